// What came of the last vote: said once for those who listen, counted down to its end for those who look, and it stops.

for (const place of document.querySelectorAll("[data-voted] [role=status]")) {
  // What is there when a page opens is not read out; what comes a moment later is.
  setTimeout(() => place.replaceChildren(...place.childNodes), 400);
}

for (const place of document.querySelectorAll("[data-countdown]")) {
  let left = Number(place.dataset.countdown);
  const timer = setInterval(() => {
    left -= 1;
    place.textContent = left > 0 ? place.dataset.words.replace("{seconds}", left) : place.dataset.over;
    if (left > 0) return;
    clearInterval(timer);
    for (const form of document.querySelectorAll("[data-undo]")) form.remove();
  }, 1000);
}
