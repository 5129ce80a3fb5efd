-- The days of clear uploads were told from their tables' names in a condition that PostgreSQL may ask of every table
-- there is, as soon as its statistics make that seem cheaper: then a name that is no day ended the transaction.
CREATE OR REPLACE FUNCTION clear_upload_days(today date, keep_days int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
DECLARE
    wanted date;
    part   text;
BEGIN
    PERFORM pg_advisory_xact_lock(7421002);
    FOR wanted IN SELECT generate_series(today - 1, today + 7, interval '1 day')::date LOOP
        part := 'clear_upload_' || to_char(wanted, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF clear_upload FOR VALUES FROM (%L) TO (%L)', part, wanted, wanted + 1);
        END IF;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'clear_upload'::regclass
          -- CASE is asked in its order, AND is not.
          AND CASE WHEN c.relname ~ '^clear_upload_[0-9]{8}$'
                   THEN to_date(right(c.relname, 8), 'YYYYMMDD') < today - greatest(keep_days, 1)
                   ELSE false END
    LOOP
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;
    DELETE FROM clear_upload_day WHERE day < today - greatest(keep_days, 1);
END
$$;
