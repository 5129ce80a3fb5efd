// Shows a picture only while a button is held: by mouse, by touch, or by the space or enter key. Letting go takes it away.

for (const place of document.querySelectorAll(".reveal")) {
  const button = place.querySelector("[data-hold]");
  const clear = place.querySelector("[data-clear]");
  const frame = place.querySelector(".picture");

  const hide = () => frame.replaceChildren();

  const show = () => {
    if (frame.childElementCount) return;
    const picture = new Image();
    picture.alt = frame.dataset.alt;
    picture.addEventListener("error", () => {
      const words = document.createElement("p");
      words.textContent = frame.dataset.failed;
      if (picture.isConnected) frame.replaceChildren(words);
    });
    picture.src = place.dataset.picture + (clear.checked ? "?clear=1" : "");
    frame.replaceChildren(picture);
  };

  button.addEventListener("pointerdown", (event) => {
    if (event.button === 0) show();
  });
  for (const end of ["pointerup", "pointerleave", "pointercancel", "blur", "contextmenu"]) {
    button.addEventListener(end, hide);
  }
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      show();
    }
  });
  button.addEventListener("keyup", hide);
  document.addEventListener("visibilitychange", hide);
}
