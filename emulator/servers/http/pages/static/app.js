// The pages are made by the server. This keeps them up to date, sends what is filled in to the control API, and
// lets the keyboard do what the mouse can.

const { control, world } = document.body.dataset;
const told = document.getElementById("told");

// Telling

let fading;

function tell(words, failed = false) {
  told.textContent = words;
  told.className = failed ? "shown failed" : "shown";
  clearTimeout(fading);
  fading = setTimeout(() => (told.className = ""), failed ? 12000 : 5000);
}

// Calling the control API

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json", "X-Emulator-World": world };
  const answer = await fetch(control + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const value = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(value.error ?? `the emulator answered ${answer.status}`);
  return value;
}

function filledIn(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox") {
      if (field.checked) body[field.name] = true;
    } else if (field.value.trim() !== "") {
      const isNumber = field.dataset.as === "number" || field.dataset.numberIf === form.elements.effect?.value;
      body[field.name] = isNumber && !isNaN(field.value) ? Number(field.value) : field.value;
    }
  }
  return body;
}

function clear(field) {
  if (field.type !== "hidden") field.value = "";
}

async function act(element, body) {
  if (element.dataset.confirm && !confirm(element.dataset.confirm)) return;
  const [method, path] = element.dataset.call.split(" ");
  try {
    const value = await call(method, path, body);
    tell(element.dataset.done.replace(/\{(\w+)\}/g, (_, name) => value[name]));
    if ("clears" in element.dataset) element.querySelectorAll("input, textarea").forEach(clear);
    await refresh();
  } catch (error) {
    tell(error.message, true);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.call) return;
  event.preventDefault();
  act(form, filledIn(form));
});

document.addEventListener("click", (event) => {
  const caller = event.target.closest("button[data-call]");
  if (caller) act(caller, caller.dataset.body && JSON.parse(caller.dataset.body));
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(document.getElementById(copier.dataset.copy));
});

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    tell("Copied.");
  } catch {
    getSelection().selectAllChildren(element); // without a secure origin there is no clipboard
    tell("Selected: copy it with your keyboard.");
  }
}

// Staying up to date: the page is fetched again after a change, and its live parts take the place of the old ones

const served = new WeakMap(); // what the server sent for each part, which the clock and the browser change
let refreshing = false;
let stale = false;

async function refresh() {
  if (refreshing) {
    stale = true;
    return;
  }
  refreshing = true;
  try {
    do {
      stale = false;
      const answer = await fetch(location.href);
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } while (stale);
  } catch {
    // the emulator is gone for the moment; the stream says so
  } finally {
    refreshing = false;
  }
}

function swap(page) {
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.innerHTML === served.get(old)) continue;
    const focused = old.contains(document.activeElement) ? place(document.activeElement) : null;
    const opened = [...old.querySelectorAll("details[open]")].map((each) => each.id);
    served.set(old, fresh.innerHTML);
    old.innerHTML = fresh.innerHTML;
    opened.forEach((id) => id && document.getElementById(id)?.setAttribute("open", ""));
    if (focused) find(old, focused)?.focus();
  }
  tick();
}

const place = (element) => ({ href: element.getAttribute("href"), call: element.dataset.call, body: element.dataset.body });

function find(within, { href, call, body }) {
  const same = (each) =>
    href ? each.getAttribute("href") === href : call && each.dataset.call === call && each.dataset.body === body;
  return [...within.querySelectorAll("a, button")].find(same);
}

for (const each of document.querySelectorAll("[data-live]")) served.set(each, each.innerHTML);

// The stream is open only while the page is seen: a browser opens few connections to one host

let stream = null;

function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource(`${control}/events?world=${encodeURIComponent(world)}`);
  let first = true;
  stream.addEventListener("change", () => {
    connected(true);
    if (!first || document.body.dataset.left) refresh();
    first = false;
  });
  stream.addEventListener("error", () => {
    connected(false);
    document.body.dataset.left = "yes";
  });
}

function stopListening() {
  stream?.close();
  stream = null;
  document.body.dataset.left = "yes";
}

function connected(is) {
  const chip = document.getElementById("connection");
  chip.classList.toggle("on", is);
  chip.querySelector("[data-word]").textContent = is ? "live" : "not connected";
}

document.addEventListener("visibilitychange", () => (document.hidden ? stopListening() : listen()));
addEventListener("pagehide", stopListening);
addEventListener("pageshow", listen);

function tick() {
  const now = new Date().toISOString().slice(0, 19).replace("T", " ");
  for (const each of document.querySelectorAll("time[data-ticks]")) each.textContent = now;
}

setInterval(tick, 1000);

// Theme and world

const themes = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme");

function showTheme(theme) {
  themeButton.textContent = `Theme: ${theme}`;
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  }
}

themeButton.addEventListener("click", () => {
  const now = localStorage.getItem("theme") ?? "auto";
  showTheme(themes[(themes.indexOf(now) + 1) % themes.length]);
});
showTheme(localStorage.getItem("theme") ?? "auto");

document.getElementById("world")?.addEventListener("change", (event) => {
  location.href = `${control}/?world=${encodeURIComponent(event.target.value)}`;
});

// Keys

const keys = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
document.getElementById("help").addEventListener("click", () => keys.showModal());

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) return;
  const pages = document.querySelectorAll("nav.pages a");
  if (event.key === "/") document.querySelector("[data-search]")?.focus();
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "?") keys.showModal();
  else if (pages[event.key - 1]) pages[event.key - 1].click();
  else return;
  event.preventDefault();
});

// The form of fault rules asks for what the chosen effect takes

const faults = document.getElementById("add-fault");

function fitFaults() {
  const { dataset, innerHTML } = faults.querySelector(`template[data-effect="${faults.elements.effect.value}"]`);
  const taken = dataset.fields.split(" ");
  document.getElementById("does").textContent = innerHTML.replaceAll("`", "");
  for (const label of faults.querySelectorAll("[data-field]")) {
    label.hidden = !taken.includes(label.dataset.field);
    label.querySelector("[name]").disabled = label.hidden;
  }
}

if (faults) {
  faults.elements.effect.addEventListener("change", fitFaults);
  fitFaults();
}
