// Shows a picture only while a button or the key R is held; letting go takes it away at once, and so does leaving the
// page in any way. Never on hover, never by itself. The node applies the filter and makes the size: a picture is asked
// for anew for each, and nothing sharper than what is shown ever reaches this page. It is drawn on a canvas, so that
// the node's words can be shown instead where it gives none. How long it was shown is told to the node, look by look.

const known = new Map();
const cover = document.querySelector("[data-hide-all]");
const said = document.querySelector(".hide-all-said");
const LARGER = ["+", "="];
const SMALLER = ["-", "_"];

const CLICK_FOLLOWS = 400;

// The place whose picture is shown or on its way, if any, and what holds it: "pointer", "key" (space or enter on its
// button), "r", or "press": a press that cannot be held, as assistive technology makes, lasts until the next.
let held = null;
let by = null;

const covered = () => document.body.classList.contains("all-hidden");
const chosen = (place, what) => place.element.querySelector(`[data-${what}]:checked`).value;

const choose = (place, what, value) => {
  const radio = place.element.querySelector(`[data-${what}][value="${value}"]`);
  if (!radio || radio.checked) return false;
  radio.checked = true;
  return true;
};

const tell = (place, word) => {
  place.status.textContent = place.element.dataset[word];
};

// --- the filter is remembered for this tab and this session, and for no other ---

const memoryOf = (place) => `filter ${place.element.dataset.session}`;

const recall = (place) => {
  const memory = memoryOf(place);
  for (const name of Object.keys(sessionStorage)) {
    if (name.startsWith("filter ") && name !== memory) sessionStorage.removeItem(name);
  }
  return sessionStorage.getItem(memory);
};

// --- a look ---

const report = (place, look, seconds, leaving) => {
  const form = new FormData();
  form.set("csrf", place.element.querySelector("[name=csrf]").value);
  form.set("look", look);
  form.set("seconds", seconds.toFixed(2));
  if (leaving && navigator.sendBeacon(place.element.dataset.looked, form)) return;
  // Without a report the node counts a fixed time, so a failure needs no words.
  fetch(place.element.dataset.looked, { method: "POST", body: form, keepalive: true }).catch(() => {});
};

const end = (place, leaving = false) => {
  place.turn += 1;
  place.frame.querySelector("canvas")?.remove();
  if (!place.look) return;
  report(place, place.look, (performance.now() - place.since) / 1000, leaving);
  place.look = null;
};

// A picture held by its key alone may lie below what is on the screen.
const put = (place, child) => {
  place.frame.replaceChildren(child);
  place.frame.scrollIntoView({ block: "nearest" });
};

const sayInFrame = (place, words) => {
  const line = document.createElement("p");
  line.textContent = words;
  put(place, line);
  place.status.textContent = words;
};

const draw = (place, bitmap) => {
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", place.element.dataset.alt);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  put(place, canvas);
};

const begin = async (place) => {
  end(place);
  place.frame.replaceChildren();
  const turn = place.turn;
  const wanted = new URLSearchParams({ filter: chosen(place, "filter"), size: chosen(place, "size") });
  tell(place, "waiting");
  let look = null;
  try {
    const answer = await fetch(`${place.element.dataset.picture}?${wanted}`, {
      headers: { accept: "image/jpeg, application/problem+json" },
      cache: "no-store",
    });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      if (turn === place.turn) sayInFrame(place, problem.detail ?? place.element.dataset.failed);
      return;
    }
    look = answer.headers.get("tidegate-look");
    const bitmap = await createImageBitmap(await answer.blob());
    if (turn !== place.turn) {
      // Let go before it came: it was shown for no time.
      report(place, look, 0);
      return;
    }
    draw(place, bitmap);
    place.look = look;
    place.since = performance.now();
    tell(place, "shown");
  } catch {
    if (turn === place.turn) sayInFrame(place, place.element.dataset.failed);
    if (look) report(place, look, 0);
  }
};

const hide = (leaving = false) => {
  if (!held) return;
  const place = held;
  held = by = null;
  place.button.classList.remove("held");
  end(place, leaving);
  // What the node said instead of a picture stays to be read.
  if (!place.frame.childElementCount) tell(place, "hidden");
};

const show = (place, how) => {
  if (held === place) return;
  hide();
  if (covered()) {
    tell(place, "covered");
    return;
  }
  held = place;
  by = how;
  place.button.classList.add("held");
  begin(place);
};

// --- the places ---

const follow = (place) => {
  const { button, element } = place;
  let released = -CLICK_FOLLOWS;
  const letGo = (how) => {
    if (held !== place || by !== how) return;
    released = performance.now();
    hide();
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    show(place, "pointer");
  });
  for (const over of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(over, () => letGo("pointer"));
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) show(place, "key");
  });
  button.addEventListener("keyup", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    letGo("key");
  });
  button.addEventListener("blur", () => letGo("key"));
  button.addEventListener("click", () => {
    if (performance.now() - released < CLICK_FOLLOWS) return;
    if (held === place) hide();
    else show(place, "press");
  });
  element.addEventListener("change", (event) => {
    if (event.target.matches("[data-filter]")) {
      sessionStorage.setItem(memoryOf(place), event.target.value);
      for (const other of known.values()) choose(other, "filter", event.target.value);
    }
    if (held === place) begin(place);
  });
};

const adopt = () => {
  for (const element of document.querySelectorAll(".reveal")) {
    if (known.has(element)) continue;
    const place = {
      element,
      button: element.querySelector("[data-hold]"),
      frame: element.querySelector(".picture"),
      status: element.querySelector(".reveal-status"),
      turn: 0,
      look: null,
      since: 0,
    };
    known.set(element, place);
    for (const controls of element.querySelectorAll(".reveal-controls")) controls.hidden = false;
    element.querySelector(".reveal-plain").remove();
    // A browser may restore what was chosen before someone else signed in.
    choose(place, "filter", recall(place) ?? "blur");
    choose(place, "size", "small");
    follow(place);
  }
};

adopt();
document.addEventListener("htmx:afterSettle", adopt);

// --- keys: R for the picture in focus or the first, plus and minus while one is shown ---

const current = () => {
  const focused = document.activeElement;
  const near = focused?.closest(".reveal") ?? focused?.closest("article, section, li")?.querySelector(".reveal");
  return known.get(near) ?? [...known.values()].find((place) => place.element.getClientRects().length > 0);
};

document.addEventListener("singlekey", (event) => {
  if (event.detail !== "r") return;
  const place = current();
  if (!place) return;
  event.preventDefault();
  if (!held) show(place, "r");
});

document.addEventListener("keyup", (event) => {
  if (by === "r" && event.key.toLowerCase() === "r") hide();
});

document.addEventListener(
  "keydown",
  (event) => {
    if (!held || event.ctrlKey || event.metaKey || event.altKey) return;
    const size = LARGER.includes(event.key) ? "large" : SMALLER.includes(event.key) ? "small" : null;
    if (!size) return;
    event.preventDefault();
    if (choose(held, "size", size)) begin(held);
  },
  true,
);

// --- everything away ---

if (cover) {
  cover.hidden = false;
  cover.addEventListener("click", () => {
    hide();
    const hidden = document.body.classList.toggle("all-hidden");
    cover.setAttribute("aria-pressed", String(hidden));
    said.textContent = hidden ? cover.dataset.said : cover.dataset.saidAgain;
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) hide(true);
});
addEventListener("blur", () => hide());
addEventListener("pagehide", () => hide(true));
