// Keeps an open desk page current: merges what the collector sends, and lets "4 min ago" age.
//
// It draws nothing itself: every word on the page comes from the collector's templates, except the
// three lines about the connection. It must not disturb the agent: focus, open sections and scroll
// position survive every update.
"use strict";

(() => {
  const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const RETRY_FIRST = 2_000, RETRY_MOST = 30_000;
  // A screen reader is told at most this often: messages that interrupt each other inform nobody.
  const SPEAK_EVERY = 4_000;

  const context = document.getElementById("context");
  const connection = document.getElementById("connection");
  const news = document.getElementById("news");
  const live = document.body.dataset.live;
  const clock = new Intl.DateTimeFormat(undefined, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });

  // The collector's clock counts, whatever this computer's clock says.
  let behind = Number(context.dataset.now) - Date.now();
  let lost = false;
  let over = false;

  // --- Time -------------------------------------------------------------------------------------

  // The same rule as `words.rs`.
  function ago(elapsed) {
    if (elapsed < MINUTE) return "just now";
    if (elapsed < HOUR) return `${Math.floor(elapsed / MINUTE)}\u00a0min ago`;
    if (elapsed < DAY) return `${Math.floor(elapsed / HOUR)}\u00a0h ago`;
    const days = Math.floor(elapsed / DAY);
    return `${days}\u00a0day${days === 1 ? "" : "s"} ago`;
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tellTimes(root) {
    const now = Date.now() + behind;
    for (const time of root.querySelectorAll("time[data-ago]")) {
      setText(time, ago(now - Date.parse(time.dateTime)));
    }
    for (const time of root.querySelectorAll("time[data-clock]")) {
      setText(time, clock.format(Date.parse(time.dateTime)));
    }
    for (const note of root.querySelectorAll("[data-utc]")) note.hidden = true;
    // The page says "Live" only of a phone that was heard of lately.
    for (const fresh of root.querySelectorAll("[data-live-until]")) {
      const stale = lost || now > Number(fresh.dataset.liveUntil);
      fresh.classList.toggle("stale", stale);
      fresh.querySelector("[data-when=live]").hidden = stale;
      fresh.querySelector("[data-when=aged]").hidden = !stale;
    }
  }

  // --- Merging ----------------------------------------------------------------------------------

  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined);

  function mergeAttributes(old, fresh) {
    for (const { name } of [...old.attributes]) {
      // The agent decides whether a section is open.
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  // Makes `old` equal to `fresh` and keeps every element that stays: matched by its key if it has one,
  // else by its order and kind.
  function merge(old, fresh) {
    mergeAttributes(old, fresh);
    const wanted = new Map([...fresh.children].map((child) => [keyOf(child), child.nodeName]));
    const kept = new Map();
    for (const child of [...old.children]) {
      const key = keyOf(child);
      if (!key) continue;
      if (wanted.get(key) === child.nodeName) kept.set(key, child);
      else child.remove();
    }
    let place = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const key = keyOf(next);
      const same = key ? kept.get(key) : place;
      if (!same || keyOf(same) !== key || same.nodeName !== next.nodeName) {
        old.insertBefore(next, place);
        if (next.nodeName === "LI") next.dataset.new = "";
        continue;
      }
      kept.delete(key);
      // Moving an element takes its focus, so the elements before it are removed instead, if they
      // have no key.
      while (place !== same && place && !keyOf(place)) place = removed(place);
      if (same === place) place = place.nextSibling;
      else old.insertBefore(same, place);
      if (next.nodeType !== Node.ELEMENT_NODE) {
        if (same.nodeValue !== next.nodeValue) same.nodeValue = next.nodeValue;
      } else {
        merge(same, next);
      }
    }
    while (place) place = removed(place);
  }

  function removed(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  // --- Telling a screen reader what is new ------------------------------------------------------

  function sayings() {
    const all = new Map();
    for (const element of context.querySelectorAll("[data-say]")) {
      all.set(element.dataset.key, element.dataset.say);
    }
    return all;
  }

  let unsaid = new Map();
  let speaking = 0;

  function speak() {
    speaking = 0;
    if (unsaid.size === 0) return;
    setText(news, [...unsaid.values()].join(". ") + ".");
    unsaid = new Map();
    speaking = setTimeout(speak, SPEAK_EVERY);
  }

  function update(html) {
    if (over) return;
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("context");
    if (!fresh) return;
    behind = Number(fresh.dataset.now) - Date.now();
    tellTimes(fresh);
    const before = sayings();
    merge(context, document.adoptNode(fresh));
    for (const [key, text] of sayings()) {
      if (before.get(key) !== text) unsaid.set(key, text);
    }
    if (!speaking) speak();
  }

  // --- The stream -------------------------------------------------------------------------------

  let source;
  let wait = RETRY_FIRST;

  function setLost(now) {
    if (over || lost === now) return;
    lost = now;
    setText(connection, lost ? "Connection lost, retrying" : "");
    if (!lost) setText(news, "Connected again.");
    tellTimes(context);
  }

  // No data of the customer stays: neither on the page nor in what a screen reader may repeat.
  function end(why) {
    over = true;
    source.close();
    unsaid = new Map();
    setText(news, "");
    setText(connection, "");
    context.replaceChildren(document.getElementById(`end-${why}`).content.cloneNode(true));
    context.removeAttribute("data-now");
    context.querySelector("h1").focus();
  }

  function connect() {
    if (over) return;
    if (source) source.close();
    source = new EventSource(live);
    source.addEventListener("open", () => {
      wait = RETRY_FIRST;
      document.documentElement.dataset.stream = "open";
      setLost(false);
    });
    source.addEventListener("context", (event) => update(event.data));
    source.addEventListener("erased", () => end("erased"));
    source.addEventListener("error", () => {
      document.documentElement.dataset.stream = "lost";
      setLost(true);
      // The browser retries a broken stream by itself but gives up on a refused one.
      if (source.readyState === EventSource.CLOSED) askWhy();
    });
  }

  // An EventSource does not say why it was refused; a separate request does.
  async function askWhy() {
    const asked = source;
    const hangUp = new AbortController();
    let status = 0;
    try {
      const answer = await fetch(live, {
        headers: { Accept: "text/event-stream" }, cache: "no-store", credentials: "omit",
        signal: hangUp.signal,
      });
      status = answer.status;
    } catch {
      // No answer at all counts as a server that is away.
    }
    hangUp.abort();
    if (over || source !== asked) return;
    if (status === 410) end("erased");
    else if (status >= 400 && status < 500 && status !== 408 && status !== 429) end("expired");
    else {
      setTimeout(() => { if (source === asked) connect(); }, wait * (0.5 + Math.random() / 2));
      wait = Math.min(wait * 2, RETRY_MOST);
    }
  }

  tellTimes(context);
  setInterval(() => { if (!over) tellTimes(context); }, 5_000);
  window.addEventListener("offline", () => setLost(true));
  window.addEventListener("online", connect);
  connect();
})();
