/** What opens above the rows: what is done to many questions, find and replace with its preview, and the keys. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./row";
import type { Store } from "./store";
import type { Answer } from "./types";

export function Many({ store, subjects }: { store: Store; subjects: string[] }) {
  const ids = store.order.filter((id) => store.chosen.has(id));
  const seed = () => Math.floor(Math.random() * 1e9);
  const other = useRef<HTMLSelectElement>(null);
  const subject = useRef<HTMLInputElement>(null);
  const [sets, setSets] = useState<string[]>([]);
  useEffect(() => { void store.act("sets").then((answer) => setSets(answer?.sets ?? [])); }, []);
  const act = (what: string, more: object = {}) => void store.act(what, { ids, ...more });
  return (
    <div class="qt-bar qt-many" role="toolbar" aria-label="Actions on the selected questions">
      <strong>{ids.length.toLocaleString("en")} selected</strong>
      <form onSubmit={(event) => { event.preventDefault(); act("retag", { subject: subject.current!.value }); }}>
        <input ref={subject} type="text" class="qt-field" list="qt-subjects" aria-label="Subject for the selected questions" placeholder={subjects[0] ?? "subject"} />
        <button type="submit">Set subject</button>
      </form>
      <button type="button" onClick={() => act("shuffle", { seed: seed() })}>Shuffle choices</button>
      <button type="button" title="Spread the right answers evenly over the letters" onClick={() => act("balance", { seed: seed() })}>Balance answers</button>
      <button type="button" onClick={() => act("duplicate")}>Duplicate</button>
      {sets.length > 0 && (
        <form onSubmit={(event) => { event.preventDefault(); act("copy", { other: other.current!.value }); }}>
          <select ref={other} aria-label="The set to copy to">{sets.map((name) => <option key={name}>{name}</option>)}</select>
          <button type="submit">Copy to this set</button>
        </form>
      )}
      <button type="button" onClick={() => act("delete")}><Icon name="delete" />Delete</button>
      <button type="button" class="qt-quiet" onClick={() => { store.chosen.clear(); store.changed(); }}>Clear selection</button>
    </div>
  );
}

const WHERE = { everywhere: undefined, questions: ["question"], choices: ["choices"], subjects: ["subject"], notes: ["note"] };

export function Replace({ store, ids, close }: { store: Store; ids: string[]; close: () => void }) {
  const [text, setText] = useState("");
  const [by, setBy] = useState("");
  const [where, setWhere] = useState<keyof typeof WHERE>("everywhere");
  const [exact, setExact] = useState(false);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const body = { ids, text, by, fields: WHERE[where], exact };
  useEffect(() => {
    setAnswer(null);
    if (!text || !ids.length) return;
    let over = false;
    const timer = setTimeout(async () => {
      const found = await store.act("find", body);
      if (!over) setAnswer(found);
    }, 250);
    return () => { over = true; clearTimeout(timer); };
  }, [text, by, where, exact, ids.length]);
  const number = answer?.found ?? 0;
  return (
    <div class="qt-panel" role="group" aria-label="Find and replace" onKeyDown={(event) => { event.stopPropagation(); if (event.key === "Escape") close(); }}>
      <div class="qt-bar">
        <input type="text" class="qt-field" aria-label="Find" placeholder="find" value={text} autoFocus onInput={(event) => setText(event.currentTarget.value)} />
        <input type="text" class="qt-field" aria-label="Replace by" placeholder="replace by" value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        <select aria-label="Where" value={where} onChange={(event) => setWhere(event.currentTarget.value as keyof typeof WHERE)}>
          {Object.keys(WHERE).map((name) => <option key={name}>{name}</option>)}
        </select>
        <label><input type="checkbox" checked={exact} onChange={(event) => setExact(event.currentTarget.checked)} /> match case</label>
        <span class="qt-grow" />
        <button
          type="button"
          class="qt-main"
          disabled={!number}
          onClick={async () => { if (await store.act("replace", body)) { setAnswer(null); setText(""); } }}
        >{number ? `Replace in ${number.toLocaleString("en")} ${number === 1 ? "place" : "places"}` : "Replace"}</button>
        <button type="button" class="qt-quiet" aria-label="Close find and replace" onClick={close}><Icon name="close" /></button>
      </div>
      <p class="qt-hint">{text ? answer ? `${number.toLocaleString("en")} ${number === 1 ? "text" : "texts"} of ${ids.length.toLocaleString("en")} questions would change${number > (answer.shown?.length ?? 0) ? `; the first ${answer.shown?.length}` : ""}.` : "Looking …" : `In the ${ids.length.toLocaleString("en")} questions that are ${store.chosen.size ? "chosen" : "shown"}. Nothing changes before you say so.`}</p>
      {!!answer?.shown?.length && (
        <ul class="qt-preview">
          {answer.shown.map(([id, field, before, after], i) => (
            <li key={i}><span class="qt-id">{id} {field === "question" ? "" : field}</span> <Marked before={before} after={after} /></li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What a text loses and gains, between what stays at both ends. */
function Marked({ before, after }: { before: string; after: string }) {
  let start = 0, end = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return (
    <span>
      {before.slice(0, start)}<del>{before.slice(start, before.length - end)}</del><ins>{after.slice(start, after.length - end)}</ins>{before.slice(before.length - end)}
    </span>
  );
}

const KEYS: [string, string][] = [
  ["↑ ↓ ← →", "move between cells"],
  ["Enter, F2, click", "edit"],
  ["Enter", "save"],
  ["Shift + Enter", "new line"],
  ["Tab, Shift + Tab", "save and edit the next or previous"],
  ["Esc", "cancel"],
  ["Ctrl + Z", "undo typing, or the set's last change"],
  ["1 to 9, Space", "mark this choice as the right answer"],
  ["+", "add a choice"],
  ["Delete", "remove the choice, or delete the question"],
  ["Alt + ↑, Alt + ↓", "move a choice or a question"],
  ["X", "select the question; with Shift, all from the last one"],
  ["Ctrl + D", "duplicate the question"],
  ["N", "add a question"],
  ["/", "search"],
  ["Home, End, Page up, Page down", "jump to the start or end, or by a page"],
  ["?", "this list"],
];

export function Keys({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog ref={dialog} class="qt-keys" aria-label="Keys of the table" onClose={close} onClick={(event) => { if (event.target === dialog.current) close(); }}>
      <h2>Keys of the table</h2>
      <dl>{KEYS.map(([key, what]) => [<dt key={key}>{key}</dt>, <dd key={what}>{what}</dd>])}</dl>
      <button type="button" onClick={close}>Close</button>
    </dialog>
  );
}

/** What else can be done to one question, beside its button. */
export function Menu({ store, id, button, acts, close }: {
  store: Store;
  id: string;
  button: HTMLElement;
  acts: { note: (id: string) => void; card: (id: string) => void };
  close: () => void;
}) {
  const menu = useRef<HTMLDivElement>(null);
  const order = store.order, at = order.indexOf(id);
  useEffect(() => {
    const box = button.getBoundingClientRect(), own = menu.current!;
    own.style.top = `${Math.min(box.bottom + 2, window.innerHeight - own.offsetHeight - 8)}px`;
    own.style.left = `${Math.max(8, box.right - own.offsetWidth)}px`;
    own.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
    const out = (event: Event) => { if (!own.contains(event.target as Node)) close(); };
    document.addEventListener("mousedown", out, true);
    document.addEventListener("scroll", close, true);
    return () => { document.removeEventListener("mousedown", out, true); document.removeEventListener("scroll", close, true); };
  }, []);
  const items: [string, string, () => void, boolean?][] = [
    ["open_in_full", "Open as a card", () => acts.card(id)],
    ["content_copy", "Duplicate", () => void store.act("duplicate", { ids: [id] })],
    ["arrow_upward", "Move up", () => void store.act("move", { ids: [id], before: order[at - 1] }), at <= 0],
    ["arrow_downward", "Move down", () => void store.act("move", { ids: [id], after: order[at + 1] }), at >= order.length - 1],
    ["vertical_align_top", "Move to the top", () => void store.act("move", { ids: [id], place: 1 }), at <= 0],
    ["vertical_align_bottom", "Move to the end", () => void store.act("move", { ids: [id], place: order.length }), at >= order.length - 1],
    ["sticky_note_2", "Note", () => acts.note(id)],
  ];
  const key = (event: KeyboardEvent) => {
    event.stopPropagation();
    const buttons = [...menu.current!.querySelectorAll<HTMLElement>("button:not(:disabled)")];
    const now = buttons.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape" || event.key === "Tab") { close(); button.focus(); }
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      buttons[(now + (event.key === "ArrowDown" ? 1 : -1) + buttons.length) % buttons.length]?.focus();
    }
  };
  return (
    <div ref={menu} class="qt-menu" role="menu" aria-label="More" onKeyDown={key}>
      {items.map(([icon, label, act, off]) => (
        <button type="button" role="menuitem" key={label} disabled={off} onClick={() => { close(); act(); }}><Icon name={icon} />{label}</button>
      ))}
    </div>
  );
}
