/** The table: its tools, the rows that are in sight, and the keys. */

import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { Adding } from "./adding";
import { EVERYTHING, RELEVANCES, SLOPES, SORTS, STATES, type View, visible } from "./finding";
import { tellHand } from "./following";
import { pressed } from "./keys";
import { Keys, Many, Menu, Replace } from "./panels";
import { type Acts, Icon, Row } from "./row";
import { useRows } from "./scrolling";
import type { Store } from "./store";
import { type Cell, fieldOf } from "./types";
import { mark, say, whole } from "./words";

const DOUBLE_CLICK_MS = 600;

export function App({ store }: { store: Store }) {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const { view } = store;
  const [replacing, setReplacing] = useState(false);
  const [helping, setHelping] = useState(false);
  const [menu, setMenu] = useState<{ id: string; button: HTMLElement } | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const lastRemoved = useRef(0);
  const lastChosen = useRef<string | null>(null);
  // Before any answer can come: an effect would wait for a frame, and a busy page draws that later than the rows arrive.
  useLayoutEffect(() => store.listen(() => draw(0)), [store]);

  useLayoutEffect(() => {
    store.link();
    tellHand(store);
  }, [store.cursor?.id]);

  const before = useRef<string[]>([]);
  const ids = useMemo(() => {
    const now = visible(store, view), old = before.current;
    if (now.length !== old.length || now.some((id, at) => id !== old[at])) before.current = now;
    return before.current;
  }, [store.version, view]);
  const subjects = useMemo(() => store.subjects(), [store.version]);
  const rows = useRows(list, ids, store);
  const linked = useRef({ id: "", height: 0 });
  useEffect(() => {
    const leave = () => { linked.current.id = ""; };
    const kinds = ["wheel", "touchstart", "pointerdown", "keydown"];
    for (const kind of kinds) list.current?.addEventListener(kind, leave, { passive: true });
    return () => { for (const kind of kinds) list.current?.removeEventListener(kind, leave); };
  }, []);
  const { readonly } = store.given;

  const cellsOf = (id: string): Cell[] => {
    const question = store.shown(id);
    return ["question", ...question.choices.map((_, i): Cell => `choice ${i}`), "subject", ...(question.note ? ["note" as Cell] : [])];
  };
  const go = (id: string, cell: Cell) => {
    store.cursor = { id, cell };
    store.wantsFocus = true;
    rows.show(ids.indexOf(id));
    store.changed();
  };
  const acts: Acts = {
    edit: (id, cell) => {
      if (readonly) return;
      store.editing = store.cursor = { id, cell };
      rows.show(ids.indexOf(id));
      store.changed();
    },
    commit: (id, cell, to) => {
      store.editing = null;
      const cells = cellsOf(id), at = cells.indexOf(cell), step = to === "before" ? -1 : 1;
      if (to === "stay") store.wantsFocus = true;
      else if (to) {
        const place = ids.indexOf(id), next = cells[at + step];
        const row = next ? id : ids[place + step];
        const there = next ?? (row && (step > 0 ? "question" : cellsOf(row).at(-1)));
        if (row && there) {
          store.editing = store.cursor = { id: row, cell: there };
          rows.show(ids.indexOf(row));
        }
      }
      void store.save(id, fieldOf(cell));
      store.changed();
    },
    cancel: (id, cell) => {
      store.editing = null;
      store.wantsFocus = true;
      store.cancel(id, cell);
      store.changed();
    },
    gold: (id, choice) => {
      if (readonly || choice >= store.shown(id).choices.length) return;
      store.type(id, { answer: choice });
      void store.save(id, "answer");
    },
    remove: (gone, clicked) => {
      // Of a double click the second one would meet the next question, which is under the pointer by then.
      if (clicked && Date.now() - lastRemoved.current < DOUBLE_CLICK_MS) return;
      lastRemoved.current = Date.now();
      const at = ids.indexOf(gone[0]);
      const next = ids.slice(at).find((id) => !gone.includes(id)) ?? ids.slice(0, at).reverse().find((id) => !gone.includes(id));
      void store.act("delete", { ids: gone });
      if (next) {
        store.cursor = { id: next, cell: "question" };
        store.wantsFocus = !!root.current?.contains(document.activeElement);
      }
    },
    choose: (id, range) => {
      const from = lastChosen.current === null ? -1 : ids.indexOf(lastChosen.current), to = ids.indexOf(id);
      const on = !store.chosen.has(id);
      for (const one of range && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id])
        if (on) store.chosen.add(one);
        else store.chosen.delete(one);
      lastChosen.current = id;
      store.changed();
    },
    menu: (id, button) => setMenu({ id, button }),
  };

  useLayoutEffect(() => {
    // Rows grow as their findings come: what a link names stays in sight until its reader goes elsewhere.
    const at = ids.indexOf(store.toShow || linked.current.id);
    if (at >= 0 && (store.toShow || linked.current.height !== rows.height)) rows.show(at, "center");
    linked.current = { id: store.toShow || linked.current.id, height: rows.height };
    store.toShow = "";
    // It had the focus before its rows came: who moves on by a key finds the first.
    if (document.activeElement === list.current && ids.length && !store.wantsFocus) go(ids[rows.items[0]?.index ?? 0], "question");
    if (!store.wantsFocus || !store.cursor) return;
    const { id, cell } = store.cursor;
    const found = list.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"] [data-cell="${cell}"]`);
    if (found) {
      store.wantsFocus = false;
      found.focus({ preventScroll: true });
    }
  });

  const moveChoice = (id: string, choice: number, by: number) => {
    const { choices, answer } = store.shown(id), to = choice + by;
    if (to < 0 || to >= choices.length) return;
    const moved = [...choices];
    [moved[choice], moved[to]] = [moved[to], moved[choice]];
    store.type(id, { choices: moved, answer: answer === choice ? to : answer === to ? choice : answer });
    void store.save(id, "choices", "answer");
    go(id, `choice ${to}`);
  };
  const removeChoice = (id: string, choice: number) => {
    const { choices, answer } = store.shown(id);
    store.type(id, { choices: choices.filter((_, i) => i !== choice), answer: answer > choice ? answer - 1 : answer });
    void store.save(id, "choices", "answer");
    go(id, choice ? `choice ${choice - 1}` : "question");
  };
  const onKey = (event: KeyboardEvent) =>
    pressed(event, {
      store, ids, acts, cellsOf, go, moveChoice, removeChoice,
      search: () => search.current?.focus(),
      help: () => setHelping(true),
      add: () => { if (!readonly) openNew(); },
    });
  const onPaste = (event: ClipboardEvent) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const typing = (event.target as HTMLElement).matches("textarea, input");
    if (readonly || (typing ? !/\t.*\n|\n.*\t/s.test(text.trimEnd()) : !/[\t\n]/.test(text.trim()))) return;
    event.preventDefault();
    store.page.tell("pasted", text);
    store.say({ text: say("Your rows are in the import preview. Nothing was changed here.") });
  };
  const openNew = () => {
    store.adding = true;
    store.changed();
    setTimeout(() => root.current?.querySelector<HTMLElement>(".qt-new textarea")?.focus(), 0);
  };
  const set = (part: Partial<View>) => store.set(part);
  const pick = <Part extends keyof View>(part: Part) => (value: string) => set({ [part]: value } as Partial<View>);
  const lacking = store.lacking();
  const all = ids.length > 0 && ids.every((id) => store.chosen.has(id));
  const isEmpty = store.loaded && !store.order.length;

  return (
    <div class="qt" ref={root} onPaste={onPaste}>
      <div class="qt-body">
      <datalist id="qt-subjects">{subjects.map((subject) => <option key={subject} value={subject} />)}</datalist>
      <div class="qt-bar" role="search">
        <input ref={search} type="search" class="qt-field qt-search" aria-label={say("Search the questions")} placeholder={say("Search ( / )")} value={view.text} onInput={(event) => set({ text: event.currentTarget.value })} onKeyDown={(event) => event.stopPropagation()} />
        <Select label={say("Subject")} value={view.subject} options={{ "": say("every subject"), ...Object.fromEntries(subjects.map((s) => [s, s])) }} pick={pick("subject")} />
        <Select label={say("State")} value={view.state} options={said(STATES)} pick={pick("state")} />
        <Select label={say("Relevance")} value={view.relevance} options={said(RELEVANCES)} pick={pick("relevance")} />
        <Select label={say("Slope")} value={view.slope} options={said(SLOPES)} pick={pick("slope")} />
        <Select label={say("Sort")} value={view.sort} options={said(SORTS)} pick={pick("sort")} />
        {Object.entries(view).some(([part, value]) => part !== "sort" && value !== EVERYTHING[part as keyof View]) && <button type="button" class="qt-quiet" onClick={() => set({ ...EVERYTHING, sort: view.sort })}>{say("Show all")}</button>}
        <span class="qt-grow" />
        {!readonly && <button type="button" onClick={() => setReplacing(!replacing)} aria-expanded={replacing}><Icon name="find_replace" />{say("Replace")}</button>}
        {!readonly && <button type="button" class="qt-main qt-add" onClick={openNew}><Icon name="add" />{say("Add a question")}</button>}
        <button type="button" class="qt-quiet" aria-label={say("Keys of the table")} title={say("Keys ( ? )")} onClick={() => setHelping(true)}><Icon name="keyboard" /></button>
      </div>
      {replacing && <Replace store={store} ids={store.chosen.size ? ids.filter((id) => store.chosen.has(id)) : ids} close={() => setReplacing(false)} />}
      {(store.adding || isEmpty) && !readonly && <Adding store={store} />}
      <div class="qt-status" role="status" aria-live="polite">
        {!readonly && ids.length > 0 && <label class="qt-all"><input type="checkbox" checked={all} aria-label={say("Choose all {number} shown", { number: ids.length })} onChange={() => { if (all) ids.forEach((id) => store.chosen.delete(id)); else ids.forEach((id) => store.chosen.add(id)); store.changed(); }} /></label>}
        <span>{!store.loaded ? say("Reading the questions …") : ids.length === store.order.length ? `${count(ids.length)}` : say("{some} of {questions}", { some: whole(ids.length), questions: count(store.order.length) })}</span>
        {store.server.away && <span class="qt-warning">{say("Connection lost. Retrying; your text is safe.")}</span>}
        {lacking.map((why) => <span class="qt-lacking" key={why}>{why}</span>)}
        {store.lost && <span class="qt-error">{store.lost}</span>}
        {store.lastSaved > 0 && !store.server.away && <span class="qt-ok"><Icon name="check" />{say("Saved {time}", { time: new Date(store.lastSaved).toLocaleTimeString("en-GB") })}</span>}
        {store.notice && (
          <span class={`qt-notice ${store.notice.error ? "qt-error" : ""}`}>
            {store.notice.text}
            {store.notice.undo && <button type="button" onClick={() => void store.act("undo")}>{say("Undo")}</button>}
            {store.notice.back && <button type="button" onClick={() => { store.notice!.back!(); store.say(null); }}>{say("Bring it back")}</button>}
            <button type="button" class="qt-quiet" aria-label={say("Close this")} onClick={() => store.say(null)}><Icon name="close" /></button>
          </span>
        )}
      </div>
      <div
        class="qt-list"
        ref={list}
        role="grid"
        aria-label={say("Questions")}
        aria-rowcount={ids.length}
        aria-readonly={readonly}
        tabIndex={store.cursor && ids.includes(store.cursor.id) ? -1 : 0}
        onKeyDown={onKey}
        onFocus={(event) => { if (event.target === list.current && ids.length) go(ids[rows.items[0]?.index ?? 0], "question"); }}
      >
        <div class="qt-rows" style={{ height: `${rows.height}px` }}>
          {rows.items.map((item) => {
            const id = ids[item.index];
            return (
              <div
                key={id}
                ref={rows.measure}
                data-index={item.index}
                data-id={id}
                role="row"
                aria-rowindex={item.index + 1}
                aria-selected={store.chosen.has(id)}
                class={`qt-row ${store.chosen.has(id) ? "qt-chosen" : ""} ${store.unsaved(id) ? "qt-left" : ""}`}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Row store={store} id={id} number={(store.places.get(id) ?? 0) + 1} acts={acts} />
              </div>
            );
          })}
        </div>
        {store.loaded && !ids.length && <p class="qt-hint">{isEmpty ? say("No question yet: write the first above, or paste rows of a spreadsheet here.") : say("No questions match.")}</p>}
      </div>
      {store.chosen.size > 0 && <Many store={store} subjects={subjects} />}
      </div>
      {menu && <Menu store={store} {...menu} close={() => setMenu(null)} acts={{ note: (id) => acts.edit(id, "note"), card: (id) => store.page.tell("card", id) }} />}
      {helping && <Keys close={() => setHelping(false)} />}
    </div>
  );
}

const count = (n: number) => say(n === 1 ? mark("{count} question") : mark("{count} questions"), { count: whole(n) });
const said = (options: Record<string, string>) => Object.fromEntries(Object.entries(options).map(([key, name]) => [key, say(name)]));

function Select({ label, value, options, pick }: { label: string; value: string; options: Record<string, string>; pick: (value: string) => void }) {
  return (
    <select aria-label={label} value={value} class={value && value !== "all" && value !== "set" ? "qt-on" : ""} onChange={(event) => pick(event.currentTarget.value)} onKeyDown={(event) => event.stopPropagation()}>
      {Object.entries(options).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
    </select>
  );
}
