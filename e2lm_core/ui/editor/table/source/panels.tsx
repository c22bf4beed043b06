/** What opens above the rows: what is done to many questions, find and replace with its preview, and the keys. */

import { useEffect, useRef, useState } from "preact/hooks";
import { neighbour } from "./finding";
import { Icon } from "./row";
import type { Store } from "./store";
import type { Answer } from "./types";
import { mark, say, whole } from "./words";

export function Many({ store, subjects }: { store: Store; subjects: string[] }) {
  const ids = store.order.filter((id) => store.chosen.has(id));
  const seed = () => Math.floor(Math.random() * 1e9);
  const other = useRef<HTMLSelectElement>(null);
  const subject = useRef<HTMLInputElement>(null);
  const [sets, setSets] = useState<string[]>([]);
  useEffect(() => { void store.act("sets").then((answer) => setSets(answer?.sets ?? [])); }, []);
  const act = (what: string, more: object = {}) => void store.act(what, { ids, ...more });
  return (
    <div class="qt-bar qt-many" role="toolbar" aria-label={say("Actions on the selected questions")}>
      <strong>{say("{number} selected", { number: whole(ids.length) })}</strong>
      <form onSubmit={(event) => { event.preventDefault(); act("retag", { subject: subject.current!.value }); }}>
        <input ref={subject} type="text" class="qt-field" list="qt-subjects" aria-label={say("Subject for the selected questions")} placeholder={subjects[0] ?? say("subject")} />
        <button type="submit">{say("Set subject")}</button>
      </form>
      <button type="button" onClick={() => act("shuffle", { seed: seed() })}>{say("Shuffle choices")}</button>
      <button type="button" title={say("Spread the right answers evenly over the letters")} onClick={() => act("balance", { seed: seed() })}>{say("Balance answers")}</button>
      <button type="button" onClick={() => act("duplicate")}>{say("Duplicate")}</button>
      {sets.length > 0 && (
        <form onSubmit={(event) => { event.preventDefault(); act("copy", { other: other.current!.value }); }}>
          <select ref={other} aria-label={say("The set to copy to")}>{sets.map((name) => <option key={name}>{name}</option>)}</select>
          <button type="submit">{say("Copy to this set")}</button>
        </form>
      )}
      <button type="button" onClick={() => act("delete")}><Icon name="delete" />{say("Delete")}</button>
      <button type="button" class="qt-quiet" onClick={() => { store.chosen.clear(); store.changed(); }}>{say("Clear selection")}</button>
    </div>
  );
}

const WHERE = { everywhere: undefined, questions: ["question"], choices: ["choices"], subjects: ["subject"], notes: ["note"] };

const WHERE_NAMES = { everywhere: mark("everywhere"), questions: mark("questions"), choices: mark("choices"), subjects: mark("subjects"), notes: mark("notes") };

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
  const of = { number: whole(number), questions: whole(ids.length), first: answer?.shown?.length ?? 0 };
  const hint = !text
    ? say(store.chosen.size ? mark("In the {questions} questions that are chosen. Nothing changes before you say so.") : mark("In the {questions} questions that are shown. Nothing changes before you say so."), of)
    : !answer ? say("Looking …")
    : `${say(number === 1 ? mark("{number} text of {questions} questions would change") : mark("{number} texts of {questions} questions would change"), of)}${number > of.first ? say("; the first {first}", of) : ""}.`;
  return (
    <div class="qt-panel" role="group" aria-label={say("Find and replace")} onKeyDown={(event) => { event.stopPropagation(); if (event.key === "Escape") close(); }}>
      <div class="qt-bar">
        <input type="text" class="qt-field" aria-label={say("Find")} placeholder={say("find")} value={text} autoFocus onInput={(event) => setText(event.currentTarget.value)} />
        <input type="text" class="qt-field" aria-label={say("Replace by")} placeholder={say("replace by")} value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        <select aria-label={say("Where")} value={where} onChange={(event) => setWhere(event.currentTarget.value as keyof typeof WHERE)}>
          {Object.entries(WHERE_NAMES).map(([name, label]) => <option key={name} value={name}>{say(label)}</option>)}
        </select>
        <label><input type="checkbox" checked={exact} onChange={(event) => setExact(event.currentTarget.checked)} /> {say("match case")}</label>
        <span class="qt-grow" />
        <button
          type="button"
          class="qt-main"
          disabled={!number}
          onClick={async () => { if (await store.act("replace", body)) { setAnswer(null); setText(""); } }}
        >{number ? say(number === 1 ? mark("Replace in {number} place") : mark("Replace in {number} places"), { number: whole(number) }) : say("Replace")}</button>
        <button type="button" class="qt-quiet" aria-label={say("Close find and replace")} onClick={close}><Icon name="close" /></button>
      </div>
      <p class="qt-hint">{hint}</p>
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
  ["↑ ↓ ← →", mark("move between cells")],
  [mark("Enter, F2, click"), mark("edit")],
  [mark("Enter"), mark("save")],
  [mark("Shift + Enter"), mark("new line")],
  [mark("Tab, Shift + Tab"), mark("save and edit the next or previous")],
  ["Esc", mark("cancel")],
  [mark("Ctrl + Z"), mark("undo typing, or the set's last change")],
  [mark("1 to 9, Space"), mark("mark this choice as the right answer")],
  ["+", mark("add a choice")],
  [mark("Delete"), mark("remove the choice, or delete the question")],
  ["Alt + ↑, Alt + ↓", mark("move a choice or a question")],
  ["X", mark("select the question; with Shift, all from the last one")],
  [mark("Ctrl + D"), mark("duplicate the question")],
  ["N", mark("add a question")],
  ["/", mark("search")],
  [mark("Home, End, Page up, Page down"), mark("jump to the start or end, or by a page")],
  ["?", mark("this list")],
];

export function Keys({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog ref={dialog} class="qt-keys" aria-label={say("Keys of the table")} onClose={close} onClick={(event) => { if (event.target === dialog.current) close(); }}>
      <h2>{say("Keys of the table")}</h2>
      <dl>{KEYS.map(([key, what]) => [<dt key={key}>{say(key)}</dt>, <dd key={what}>{say(what)}</dd>])}</dl>
      <button type="button" onClick={close}>{say("Close")}</button>
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
  const order = store.order, at = order.indexOf(id), before = neighbour(store, id, -1), after = neighbour(store, id, 1);
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
    ["open_in_full", mark("Open as a card"), () => acts.card(id)],
    ["content_copy", mark("Duplicate"), () => void store.act("duplicate", { ids: [id] })],
    ["arrow_upward", mark("Move up"), () => void store.act("move", { ids: [id], before }), !before],
    ["arrow_downward", mark("Move down"), () => void store.act("move", { ids: [id], after }), !after],
    ["vertical_align_top", mark("Move to the top"), () => void store.act("move", { ids: [id], place: 1 }), at <= 0],
    ["vertical_align_bottom", mark("Move to the end"), () => void store.act("move", { ids: [id], place: order.length }), at >= order.length - 1],
    ["sticky_note_2", mark("Note"), () => acts.note(id)],
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
    <div ref={menu} class="qt-menu" role="menu" aria-label={say("More")} onKeyDown={key}>
      {items.map(([icon, label, act, off]) => (
        <button type="button" role="menuitem" key={label} disabled={off} onClick={() => { close(); act(); }}><Icon name={icon} />{say(label)}</button>
      ))}
    </div>
  );
}
