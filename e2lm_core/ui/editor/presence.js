const TEXT = "textarea, input, [contenteditable=true]";
const SHORTCUT = (event) =>
  ((event.ctrlKey || event.metaKey) && "zy".includes(event.key.toLowerCase())) ||
  (event.altKey && ["ArrowLeft", "ArrowRight"].includes(event.key));

export default function ({ data, parentElement, setStateValue }) {
  // Called again with each drawing, while Streamlit calls what is returned at the end alone.
  parentElement.e2lmStop?.();
  let timer = null, gone = false, said = null, typed = 0, drafts = data.typed;
  const busy = () => {
    const active = document.activeElement;
    const inText = active?.matches?.(TEXT) && !["checkbox", "radio"].includes(active.type);
    if (Date.now() - typed < data.idle_ms) return "typing";
    return inText && active.closest(".stForm, .qt") ? "typing" : "idle";
  };
  const ask = async (leaving) => {
    const body = JSON.stringify({ pass: data.pass, leaving });
    const headers = { "content-type": "application/json" };
    return fetch(data.url, { method: "POST", headers, body, keepalive: true, credentials: "same-origin" });
  };
  const look = async () => {
    try {
      const answer = await ask(false);
      if (answer.ok && !gone) {
        const { typed: saw, ...told } = await answer.json(), now = busy();
        const news = told.stamp !== data.drawn, others = told.others.join() !== data.others.join();
        // Unsaved text that another window saved or put aside is the table's matter alone; what is typed here it knows.
        const own = Date.now() - typed < data.look_ms + data.idle_ms;
        if (drafts !== saw && !news && !own) document.dispatchEvent(new CustomEvent("e2lm-news"));
        if (news || !own) drafts = saw;
        const key = JSON.stringify([told, news ? now : ""]);
        if ((news || others) && key !== said) {
          said = key;
          if (news) document.dispatchEvent(new CustomEvent("e2lm-news"));
          setStateValue("heard", { ...told, busy: now });
        }
      }
    } catch { /* the server is not there; it will be asked again */ }
    if (!gone) timer = setTimeout(look, document.hidden ? data.hidden_look_ms : data.look_ms);
  };
  const note = () => { typed = Date.now(); };
  const hold = (event) => {
    if (SHORTCUT(event) && event.target?.matches?.(TEXT)) event.stopImmediatePropagation();
  };
  const leave = () => { ask(true).catch(() => null); };
  const seen = () => { if (!document.hidden) { clearTimeout(timer); look(); } };
  document.addEventListener("input", note, true);
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("keydown", hold, true);
  window.addEventListener("pagehide", leave);
  timer = setTimeout(look, 400);
  return (parentElement.e2lmStop = () => {
    gone = true;
    clearTimeout(timer);
    document.removeEventListener("input", note, true);
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("keydown", hold, true);
    window.removeEventListener("pagehide", leave);
  });
}
