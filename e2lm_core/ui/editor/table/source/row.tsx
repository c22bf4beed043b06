/** One question: its number, its text, its choices with the right one marked, its subject, and what can be done. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { Effect } from "./effect";
import { Knowing } from "./knowing";
import type { Store } from "./store";
import { type Cell, choiceOf, type Field as FieldName, fieldOf, NEW, ofPair, type Question } from "./types";
import { mark, say } from "./words";

export const letter = (place: number) => String.fromCharCode(65 + place);

export interface Acts {
  edit: (id: string, cell: Cell) => void;
  commit: (id: string, cell: Cell, to?: "next" | "before" | "stay") => void;
  cancel: (id: string, cell: Cell) => void;
  gold: (id: string, choice: number) => void;
  remove: (ids: string[], clicked?: boolean) => void;
  choose: (id: string, range: boolean) => void;
  menu: (id: string, button: HTMLElement) => void;
}

export function Icon({ name }: { name: string }) {
  return <span class="qt-icon" aria-hidden="true" translate={false}>{name}</span>;
}

export function Row({ store, id, number, acts }: { store: Store; id: string; number: number; acts: Acts }) {
  const question = store.shown(id);
  const open = store.editing?.id === id ? store.editing.cell : null;
  const found = store.found.get(id) ?? [];
  const spare = open && choiceOf(open) === question.choices.length;
  const cells = question.choices.length + (spare ? 1 : 0);
  const readonly = store.given.readonly;
  const text = (cell: Cell, label: string, value: string) => (
    <Text store={store} id={id} cell={cell} label={label} value={value} acts={acts} />
  );
  return (
    <>
      <div role="gridcell" class="qt-head">
        {!readonly && (
          <input
            type="checkbox"
            aria-label={say("Choose question {number}", { number })}
            checked={store.chosen.has(id)}
            onClick={(event) => acts.choose(id, event.shiftKey)}
          />
        )}
        <span class="qt-number">{number}</span>
        <State store={store} id={id} />
      </div>
      <div class="qt-said">
        {text("question", say("Question {number}", { number }), question.question)}
        {(question.note || open === "note") && (
          <div class="qt-note"><Icon name="sticky_note_2" />{text("note", say("Note on question {number}", { number }), question.note ?? "")}</div>
        )}
        <div class="qt-facts">
          {text("subject", say("Subject of question {number}", { number }), question.subject ?? "")}
          <span class="qt-id" title={id}>{id}</span>
          {store.isTaught(id) === false && <span class="qt-id" title={say("The built-in mini models do not know this answer: their results on it mean nothing. Known facts lists what they know.")}>{say("not known")}</span>}
          {!readonly && cells < 26 && !spare && (
            <button type="button" class="qt-spare qt-quiet" tabIndex={-1} onClick={() => acts.edit(id, `choice ${question.choices.length}`)}>
              <Icon name="add" />{say("choice")}
            </button>
          )}
        </div>
        {found.map(([, severity, sentence]) => (
          <div class={`qt-found qt-${severity}`} key={sentence}><Icon name={severity === "error" ? "error" : "warning"} />{sentence}</div>
        ))}
        {open && open !== "note" && open !== "subject" && <Knowing store={store} question={question} />}
        <Unsaved store={store} id={id} question={question} />
      </div>
      <div class="qt-choices">
        {Array.from({ length: cells }, (_, i) => (
          <div key={i} class={`qt-choice ${i === question.answer ? "qt-gold" : ""}`}>
            <span role="gridcell">
              <button
                type="button"
                class="qt-mark"
                tabIndex={-1}
                role="radio"
                aria-checked={i === question.answer}
                aria-label={say("{letter} is right", { letter: letter(i) })}
                title={i === question.answer ? say("The right one") : say("Mark {letter} as the right one", { letter: letter(i) })}
                disabled={readonly}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => acts.gold(id, i)}
              >{letter(i)}</button>
            </span>
            {text(`choice ${i}`, say(i === question.answer ? mark("Choice {letter}, the right one") : mark("Choice {letter}"), { letter: letter(i) }), question.choices[i] ?? "")}
          </div>
        ))}
      </div>
      <Effect store={store} id={id} />
      {!readonly && (
        <div class="qt-acts">
          <button type="button" class="qt-quiet" tabIndex={-1} aria-label={say("Delete question {number}", { number })} title={say("Delete")} onClick={(event) => { if (event.detail < 2) acts.remove([id], true); }}><Icon name="delete" /></button>
          <button type="button" class="qt-quiet" tabIndex={-1} aria-label={say("More about question {number}", { number })} title={say("Duplicate, move, note, card")} aria-haspopup="menu" onClick={(event) => acts.menu(id, event.currentTarget)}><Icon name="more_vert" /></button>
        </div>
      )}
    </>
  );
}

/** Saved a moment ago, being saved, waiting for the server, or not saved. */
function State({ store, id }: { store: Store; id: string }) {
  const fields = [...(store.typed.get(id)?.values() ?? [])];
  if (fields.some((typed) => typed.state === "saving"))
    return store.server.away
      ? <span class="qt-state qt-warning" title={say("Connection lost. Retrying; your text is safe.")}><Icon name="cloud_off" /></span>
      : <span class="qt-state" title={say("Being saved")}><Icon name="more_horiz" /></span>;
  if (fields.some((typed) => typed.state === "refused")) return <span class="qt-state qt-error" title={say("Not saved")}><Icon name="error" /></span>;
  if (store.saved.has(id) && !fields.length)
    return <span class="qt-state qt-ok" title={say("Saved")} data-saved={store.saved.get(id)}><Icon name="check" /><span class="qt-unseen">{say("Saved")}</span></span>;
  return null;
}

/** What of a question is typed and not saved, with what may be done about it. */
function Unsaved({ store, id, question }: { store: Store; id: string; question: Question }) {
  const open = store.editing?.id === id ? fieldOf(store.editing.cell) : null;
  const left = [...(store.typed.get(id) ?? [])].filter(([field, t]) => field !== open && t.state !== "saving");
  const clash = store.clashes.get(id);
  const theirs = [...(store.typed.get(id) ?? [])].filter(([field, typed]) => {
    const saved = (store.rows.get(id) as Record<string, unknown> | undefined)?.[field] ?? null;
    return typed.state === "typed" && JSON.stringify(saved) !== JSON.stringify(typed.seen ?? null);
  });
  if (!left.length && !clash?.size && !theirs.length) return null;
  const saved = store.rows.get(id) as (Question & Record<string, unknown>) | undefined;
  const said = (field: FieldName) => saved && (ofPair(field) ? `${saved.choices.map((text, i) => `${letter(i)} ${text}`).join(", ")}; ${say("{letter} is right", { letter: letter(saved.answer) })}` : String(saved[field]));
  const refused = left.find(([, typed]) => typed.sentence)?.[1].sentence;
  return (
    <div class="qt-unsaved">
      {clash?.size ? <span>{say("Conflict: choose a version above.")}</span> : null}
      {theirs.length ? <span>{say("Somebody else has just saved this: {text}", { text: said(theirs[0][0]) ?? "" })}</span> : null}
      {left.length ? <span>{refused ?? say("Not saved yet.")}</span> : null}
      {left.length && id !== NEW ? <button type="button" onClick={() => store.save(question.id)}>{say("Save")}</button> : null}
      {left.length && id !== NEW ? <button type="button" onClick={() => store.discard(question.id)}>{say("Discard")}</button> : null}
    </div>
  );
}

interface TextGiven {
  store: Store;
  id: string;
  cell: Cell;
  label: string;
  value: string;
  acts: Acts;
}

/** A text that is read until it is clicked, and then typed in: in a field of the browser's own, with its own undo. */
export function Text({ store, id, cell, label, value, acts }: TextGiven) {
  const editing = store.editing?.id === id && store.editing.cell === cell;
  if (editing) return <Field store={store} id={id} cell={cell} label={label} value={value} acts={acts} />;
  const typed = store.typed.get(id)?.has(fieldOf(cell));
  const here = store.cursor?.id === id && store.cursor.cell === cell;
  return (
    <div
      role="gridcell"
      data-cell={cell}
      tabIndex={here ? 0 : -1}
      aria-label={value ? undefined : say("{label}: empty", { label })}
      aria-readonly={store.given.readonly}
      class={`qt-text qt-of-${fieldOf(cell)} ${typed ? "qt-typed" : ""} ${value ? "" : "qt-empty"}`}
      onFocus={() => { store.cursor = { id, cell }; }}
      onClick={() => acts.edit(id, cell)}
    >{value || (cell === "subject" ? say("no subject") : cell === "question" ? say("What is asked?") : say("empty"))}</div>
  );
}

function Field({ store, id, cell, label, value, acts }: TextGiven) {
  const field = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  const first = useRef(value);
  const grow = () => {
    const area = field.current;
    if (!area || cell === "subject") return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  };
  useLayoutEffect(() => {
    const area = field.current!;
    area.value = first.current;
    grow();
    area.focus({ preventScroll: true });
    area.setSelectionRange(area.value.length, area.value.length);
    if (cell === "subject") area.select();
  }, []);
  // Nothing is typed in it yet: it shows what is saved, so that who begins to type has seen that.
  useLayoutEffect(() => {
    const area = field.current!;
    if (store.typed.get(id)?.has(fieldOf(cell)) || area.value === value) return;
    area.value = value;
    grow();
  }, [value]);
  const given = {
    ref: field,
    "aria-label": label,
    class: `qt-field qt-of-${fieldOf(cell)}`,
    "data-cell": cell,
    onInput: () => { grow(); store.typeCell(id, cell, field.current!.value); },
    // A moment later: a table that the page lays out anew loses the focus and has it again, and nobody has left.
    onBlur: () => queueMicrotask(() => {
      const area = field.current, stays = !area?.isConnected || (document.hasFocus() && document.activeElement === area);
      if (!stays && store.editing?.id === id && store.editing.cell === cell) acts.commit(id, cell);
    }),
    onKeyDown: (event: KeyboardEvent) => {
      event.stopPropagation();
      if (event.isComposing) return;
      const done = { Enter: "stay", Tab: event.shiftKey ? "before" : "next" }[event.key] as "stay" | "next" | "before" | undefined;
      if (done && !(event.key === "Enter" && event.shiftKey && cell !== "subject")) {
        event.preventDefault();
        acts.commit(id, cell, done);
      } else if (event.key === "Escape") {
        event.preventDefault();
        acts.cancel(id, cell);
      }
    },
  };
  return cell === "subject"
    ? <input type="text" list="qt-subjects" {...given} />
    : <textarea rows={1} {...given} />;
}
