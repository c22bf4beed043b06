const underWay = (window.e2lmDrafts ??= new Set());

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  // Called again with each drawing, while Streamlit calls what is returned at the end alone.
  parentElement.e2lmStop?.();
  const box = `e2lm-draft ${data.task} ${data.place}`;
  let told = JSON.stringify(data.fields.map(([name]) => data.values[name] ?? null));
  let pending = null, timer = null, held = null, gone = false, problem = data.problem;

  const one = (root, key, kind, options) => {
    const item = root.querySelector(`.st-key-${key}`);
    if (!item) return undefined;
    if (kind === "option") {
      const radios = [...item.querySelectorAll("input[type=radio]")];
      return options[radios.findIndex((radio) => radio.checked)];
    }
    if (kind === "place") return [...item.querySelectorAll("input[type=radio]")].findIndex((radio) => radio.checked);
    const field = item.querySelector("textarea, input");
    if (!field) return undefined;
    if (kind === "number") return field.value.trim() === "" ? undefined : Math.round(Number(field.value));
    if (kind === "lines") return field.value.split("\n").map((line) => line.trim()).filter(Boolean);
    return kind === "maybe" ? field.value || null : field.value;
  };
  const read = () => {
    const root = document.querySelector(`.st-key-${data.area}`);
    if (!root) return null;
    const values = {};
    for (const [name, keys, kind, options] of data.fields) {
      if (kind === "list") {
        const texts = keys.map((key) => one(root, key, "text"));
        if (texts.includes(undefined)) return null;
        while (texts.length && !texts.at(-1).trim()) texts.pop();
        values[name] = texts;
      } else {
        values[name] = one(root, keys[0], kind, options);
        if (values[name] === undefined) return null;
      }
    }
    return values;
  };

  const post = async (body, after) => {
    if (underWay.has(box)) return false;
    underWay.add(box);
    let answer = null;
    try {
      const headers = { "content-type": "application/json" };
      const keepalive = body.length < 60000;
      answer = await fetch(data.url, { method: "POST", headers, body, keepalive, credentials: "same-origin" });
    } catch { /* the server is not there: again, soon */ }
    underWay.delete(box);
    if (answer === null || answer.status >= 500 && answer.status !== 507) return again();
    if (sessionStorage.getItem(box) === body) sessionStorage.removeItem(box);
    if (gone) return true;
    const said = answer.ok ? "" : await sentence(answer);
    if (said !== problem) setStateValue("problem", (problem = said));
    if (answer.ok && after) after();
    if (sessionStorage.getItem(box)) again();
    return true;
  };
  const sentence = async (answer) => {
    try { return (await answer.json()).sentence; } catch { return "What is typed here is not kept: load the page again."; }
  };
  const again = () => {
    if (!gone) setTimeout(() => { const left = sessionStorage.getItem(box); if (left && !gone) post(left); }, data.again_ms);
    return false;
  };
  const send = () => {
    clearTimeout(timer);
    timer = null;
    const values = pending;
    pending = null;
    if (values === null) return;
    const said = JSON.stringify(data.fields.map(([name]) => values[name] ?? null));
    if (said === told) return;
    told = said;
    const body = JSON.stringify({
      pass: data.pass, place: data.place, form: data.form, turn: Date.now(), fields: { ...data.others, ...values },
      seen: data.seen,
    });
    try { sessionStorage.setItem(box, body); } catch { /* too long for the tab */ }
    if (!underWay.has(box)) post(body);
    else again();
  };
  // After Save or Discard nothing can be typed until the form is drawn anew: it would go with the old form.
  const hold = (isHeld) => {
    clearTimeout(held);
    for (const key of data.fields.flatMap(([, keys]) => keys)) {
      const item = document.querySelector(`.st-key-${key}`);
      const texts = item?.querySelectorAll("textarea, input[type=text]") ?? [];
      for (const text of texts) text.readOnly = isHeld;
      if (item && !texts.length) item.inert = isHeld;
      if (item) item.style.opacity = isHeld ? ".6" : "";
    }
    held = isHeld ? setTimeout(() => hold(false), data.held_ms) : null;
  };
  const note = (event) => {
    if (!event.target.closest?.(`.st-key-${data.area}`)) return;
    // Streamlit fills the fields of a new form some 40 ms after it draws them; a click into one types nothing.
    if (event.type === "click" && event.target.matches("textarea, input[type=text], input[type=number]")) return;
    const ends = event.type === "click" && event.target.closest(data.ending);
    if (ends) setTimeout(() => { if (!gone) hold(true); }, 0);
    setTimeout(() => {
      const values = read();
      if (values === null) return;
      pending = values;
      timer ??= setTimeout(send, data.rest_ms);
    }, 0);
  };
  const kinds = ["input", "change", "click"];
  for (const kind of kinds) document.addEventListener(kind, note, true);
  window.addEventListener("pagehide", send);

  const left = sessionStorage.getItem(box);
  if (left && !underWay.has(box)) {
    let body = left;
    try { body = JSON.stringify({ ...JSON.parse(left), pass: data.pass }); } catch { /* as it is */ }
    sessionStorage.setItem(box, body);
    post(body, () => setTriggerValue("late", Date.now()));
  }
  return (parentElement.e2lmStop = () => {
    gone = true;
    for (const kind of kinds) document.removeEventListener(kind, note, true);
    window.removeEventListener("pagehide", send);
    if (held !== null) hold(false);
    send();
  });
}
