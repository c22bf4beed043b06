/** A new question: an empty form, which is a draft until it is complete and saved. */

import { Knowing } from "./knowing";
import { Icon, letter } from "./row";
import type { Store } from "./store";
import { NEW, type Question } from "./types";
import { say } from "./words";

/** What it lacks before the server would add it, "" where that is nothing. */
export function lack({ question, choices, answer }: Question): string {
  const texts = choices.map((text) => text.trim());
  while (texts.length && !texts.at(-1)) texts.pop();
  const empty = texts.indexOf(""), again = texts.findIndex((text, place) => texts.indexOf(text) < place);
  if (!question.trim()) return say("its text");
  if (texts.filter(Boolean).length < 2) return say("two choices");
  if (empty >= 0) return say("choice {letter}", { letter: letter(empty) });
  if (again >= 0) return say("another text for choice {letter}, which is that of {other}", { letter: letter(again), other: letter(texts.indexOf(texts[again])) });
  return texts[answer] ? "" : say("its right answer: click the letter of the right one");
}

export function Adding({ store }: { store: Store }) {
  const question = store.shown(NEW);
  const count = Math.min(26, Math.max(4, question.choices.length + (question.choices.at(-1)?.trim() ? 1 : 0)));
  const choices = Array.from({ length: count }, (_, i) => question.choices[i] ?? "");
  const missing = lack(question);
  // Of an empty form nothing is kept.
  const lacking = missing && store.typed.get(NEW)?.size ? say("Still lacks {missing}. Draft saved.", { missing }) : "";
  const type = (values: Parameters<Store["type"]>[1]) => { store.type(NEW, values); store.changed(); };
  const save = async () => {
    if (!missing && (await store.add())) document.querySelector<HTMLElement>(".qt-new textarea")?.focus();
  };
  const key = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.isComposing) return;
    const fields = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("textarea, input[type=text]")];
    if (event.key === "Enter" && !event.shiftKey && (event.target as HTMLElement).matches("textarea, input[type=text]")) {
      event.preventDefault();
      const next = fields[fields.indexOf(event.target as HTMLElement) + 1] as HTMLInputElement | undefined;
      const over = event.ctrlKey || event.metaKey || !next || (!missing && !next.value);
      if (over) void save();
      else next!.focus();
    } else if (event.key === "Escape") close();
  };
  const close = () => {
    store.adding = false;
    store.draft(NEW);
    store.changed();
    document.querySelector<HTMLElement>(".qt-add")?.focus();
  };
  return (
    <div class="qt-new" role="form" aria-label={say("A new question")} onKeyDown={key}>
      <textarea class="qt-field qt-question" rows={2} readOnly={store.isAdded} aria-label={say("The new question's text")} placeholder={say("What is asked?")} value={question.question} onInput={(event) => type({ question: event.currentTarget.value })} />
      <div class="qt-choices">
        {choices.map((text, i) => (
          <div key={i} class={`qt-choice ${i === question.answer ? "qt-gold" : ""}`}>
            <button type="button" class="qt-mark" role="radio" disabled={store.isAdded} aria-checked={i === question.answer} aria-label={say("{letter} is right", { letter: letter(i) })} title={say("Mark {letter} as the right one", { letter: letter(i) })} onClick={() => type({ answer: i })}>{letter(i)}</button>
            <input
              type="text"
              class="qt-field"
              readOnly={store.isAdded}
              aria-label={say("Choice {letter} of the new question", { letter: letter(i) })}
              placeholder={say("choice {letter}", { letter: letter(i) })}
              value={text}
              onInput={(event) => type({ choices: choices.map((old, j) => (j === i ? event.currentTarget.value : old)) })}
            />
          </div>
        ))}
      </div>
      <Knowing store={store} question={question} />
      <div class="qt-bar">
        <input type="text" class="qt-field qt-subject" readOnly={store.isAdded} list="qt-subjects" aria-label={say("The new question's subject")} placeholder={say("subject")} value={question.subject ?? ""} onInput={(event) => type({ subject: event.currentTarget.value || null })} />
        <span class="qt-grow" />
        <span class="qt-hint">{store.isAdded ? say("Being added …") : missing ? lacking : say("Ready: press Add the question.")}</span>
        <button type="button" class="qt-main" disabled={!!missing || store.isAdded} onClick={save}>{say("Add the question")}</button>
        <button type="button" class="qt-quiet" onClick={close} aria-label={say("Close the new question; its text is kept")}><Icon name="close" /></button>
      </div>
    </div>
  );
}
