"""Between acknowledged and judged: uploads whose check takes longer than an answer."""
