// Ctrl+K opens the way to any id or place. Where it leads is the node's to say; this only filters the list of places.

const dialog = document.getElementById("jump-to");

if (dialog) {
  const field = dialog.querySelector("input[name=to]");
  const places = [...dialog.querySelectorAll("[data-address]")];

  const filter = () => {
    const wanted = field.value.trim().toLowerCase();
    for (const place of places) {
      const name = place.textContent.trim().toLowerCase();
      place.hidden = !(name.includes(wanted) || place.dataset.address.includes(wanted));
    }
  };

  field.addEventListener("input", filter);

  document.addEventListener("keydown", (event) => {
    const asked = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
    if (!asked) return;
    event.preventDefault();
    if (dialog.open) return;
    field.value = "";
    filter();
    dialog.showModal();
    field.focus();
  });
}
