/** Which questions the table shows, and in which order. */

import type { Store } from "./store";
import type { Question } from "./types";

export const STATES = {
  all: "all questions",
  chosen: "chosen ones",
  checks: "with a finding",
  errors: "with an error",
  untaught: "never taught",
  typed: "not saved",
  recent: "saved in this visit",
  bare: "without subject",
} as const;
export const SORTS = {
  set: "the set's order",
  question: "text",
  subject: "subject",
  longest: "longest first",
  gold: "place of the right choice",
  checks: "findings first",
} as const;
export type State = keyof typeof STATES;
export type Sort = keyof typeof SORTS;

export interface View {
  text: string;
  subject: string;
  state: State;
  sort: Sort;
}

const EVERYTHING: View = { text: "", subject: "", state: "all", sort: "set" };

/** The view of a set that this tab had last: a reload keeps it. */
export function remembered(task: string): View {
  try {
    return { ...EVERYTHING, ...JSON.parse(sessionStorage.getItem(`e2lm-view ${task}`) ?? "{}") };
  } catch {
    return EVERYTHING;
  }
}

export const remember = (task: string, view: View) => sessionStorage.setItem(`e2lm-view ${task}`, JSON.stringify(view));

const plain = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const words = (q: Question) => plain([q.id, q.question, ...q.choices, q.subject ?? "", q.note ?? ""].join("\n"));
const known = new WeakMap<Question, string>();

/** What is searched of a question; of one that nobody types in it is made once. */
function searched(store: Store, id: string): string {
  const row = store.rows.get(id);
  if (!row || store.typed.has(id)) return words(store.shown(id));
  let text = known.get(row);
  if (text === undefined) known.set(row, (text = words(row)));
  return text;
}

/** The ids that a view shows. Those that were edited in it stay, so that nothing vanishes under its author's hands. */
export function visible(store: Store, view: View): string[] {
  const wanted = plain(view.text).split(/\s+/).filter(Boolean);
  const isIn: Record<State, (id: string) => boolean> = {
    all: () => true,
    chosen: (id) => store.chosen.has(id),
    checks: (id) => store.found.has(id),
    errors: (id) => !!store.found.get(id)?.some(([, severity]) => severity === "error"),
    untaught: (id) => store.isTaught(id) === false,
    typed: (id) => store.unsaved(id),
    recent: (id) => store.saved.has(id),
    bare: (id) => !store.shown(id).subject,
  };
  const shown = store.order.filter((id) => {
    if (store.editing?.id === id || store.touched.has(id)) return true;
    if (!isIn[view.state](id)) return false;
    if (!view.subject && !wanted.length) return true;
    if (view.subject && (store.shown(id).subject ?? "") !== view.subject) return false;
    const text = wanted.length ? searched(store, id) : "";
    return wanted.every((word) => text.includes(word));
  });
  if (view.sort === "set") return shown;
  const of = (id: string) => store.shown(id);
  const length = (q: Question) => q.question.length + q.choices.join("").length;
  const weight = (id: string) => (store.found.get(id) ?? []).reduce((sum, [, s]) => sum + (s === "error" ? 1000 : 1), 0);
  const by: Record<Exclude<Sort, "set">, (a: string, b: string) => number> = {
    question: (a, b) => of(a).question.localeCompare(of(b).question),
    subject: (a, b) => (of(a).subject ?? "\uffff").localeCompare(of(b).subject ?? "\uffff"),
    longest: (a, b) => length(of(b)) - length(of(a)),
    gold: (a, b) => of(a).answer - of(b).answer,
    checks: (a, b) => weight(b) - weight(a),
  };
  return [...shown].sort(by[view.sort]);
}
