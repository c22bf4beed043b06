/** Which questions the table shows, and in which order. */

import type { Store } from "./store";
import type { Question } from "./types";
import { mark } from "./words";

export const STATES = {
  all: mark("all questions"),
  chosen: mark("selected"),
  checks: mark("with a problem"),
  errors: mark("with an error"),
  taught: mark("known"),
  untaught: mark("not known"),
  typed: mark("not saved"),
  recent: mark("saved in this visit"),
  bare: mark("without subject"),
} as const;
export const SLOPES = { "": mark("any trend"), rises: mark("improves early"), falls: mark("gets worse early"), unknown: mark("not run") } as const;
export const RELEVANCES = {
  "": mark("any topic"),
  science: mark("science"),
  between: mark("unsure"),
  other: mark("not science"),
} as const;
export const SORTS = {
  set: mark("original order"),
  question: mark("text"),
  subject: mark("subject"),
  longest: mark("longest first"),
  gold: mark("by right answer"),
  checks: mark("problems first"),
  slope: mark("getting worse first"),
  relevance: mark("least scientific first"),
} as const;
export type State = keyof typeof STATES;
export type Sort = keyof typeof SORTS;
export type Slope = keyof typeof SLOPES;
export type Relevance = keyof typeof RELEVANCES;

export interface View {
  text: string;
  subject: string;
  state: State;
  slope: Slope;
  relevance: Relevance;
  sort: Sort;
}

export const EVERYTHING: View = { text: "", subject: "", state: "all", slope: "", relevance: "", sort: "set" };
const OPTIONS: Partial<Record<keyof View, object>> = { state: STATES, slope: SLOPES, relevance: RELEVANCES, sort: SORTS };
const LIKELY = 0.8, UNLIKELY = 0.2; // the probability that the rubric accepts a question

/** The view of a set that this tab had last: a reload keeps it. */
export function remembered(task: string): View {
  try {
    return sound(JSON.parse(sessionStorage.getItem(`e2lm-view ${task}`) ?? "{}"));
  } catch {
    return EVERYTHING;
  }
}

export const remember = (task: string, view: View) => sessionStorage.setItem(`e2lm-view ${task}`, JSON.stringify(view));

/** A view of what a link or a tab says, without what no option has. */
export function sound(said: Partial<View>): View {
  const view = { ...EVERYTHING, ...said };
  for (const [part, options] of Object.entries(OPTIONS) as [keyof View, object][])
    if (!(view[part] in options)) Object.assign(view, { [part]: EVERYTHING[part] });
  return view;
}

/** What a view asks of models or of the embedder, which the page has to be asked for. */
export const measures = (view: View) =>
  (["slope", "relevance"] as const).filter((name) => view[name] || view.sort === name);

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

const compare = new Intl.Collator().compare; // `localeCompare` makes one for each pair: seconds of 15,000

/** The shown question before (-1) or after (1) one, where the table has the set's order. */
export function neighbour(store: Store, id: string, by: number): string | undefined {
  if (store.view.sort !== "set") return undefined;
  const shown = visible(store, store.view);
  return shown[shown.indexOf(id) + by];
}

/** The ids that a view shows. Those that were edited in it stay, so that nothing vanishes under its author's hands. */
export function visible(store: Store, view: View): string[] {
  const wanted = plain(view.text).split(/\s+/).filter(Boolean);
  const isIn: Record<State, (id: string) => boolean> = {
    all: () => true,
    chosen: (id) => store.chosen.has(id),
    checks: (id) => store.found.has(id),
    errors: (id) => !!store.found.get(id)?.some(([, severity]) => severity === "error"),
    taught: (id) => store.isTaught(id) === true,
    untaught: (id) => store.isTaught(id) === false,
    typed: (id) => store.unsaved(id),
    recent: (id) => store.saved.has(id),
    bare: (id) => !store.shown(id).subject,
  };
  const slope = (id: string) => store.figure("slope", id), relevance = (id: string) => store.figure("relevance", id);
  const sloped: Record<Slope, (id: string) => boolean> = {
    "": () => true,
    rises: (id) => (slope(id) ?? 0) > 0,
    falls: (id) => (slope(id) ?? 0) < 0,
    unknown: (id) => slope(id) === null,
  };
  const judged: Record<Relevance, (id: string) => boolean> = {
    "": () => true,
    science: (id) => (relevance(id) ?? 0) >= LIKELY,
    between: (id) => (relevance(id) ?? 1) < LIKELY && (relevance(id) ?? 0) > UNLIKELY,
    other: (id) => (relevance(id) ?? 1) <= UNLIKELY,
  };
  // What nobody has measured hides nothing: the table says what it lacks.
  const bySlope = store.isMeasured("slope") ? sloped[view.slope] : sloped[""];
  const byRelevance = store.isMeasured("relevance") ? judged[view.relevance] : judged[""];
  const shown = store.order.filter((id) => {
    if (store.editing?.id === id || store.touched.has(id)) return true;
    if (!isIn[view.state](id) || !bySlope(id) || !byRelevance(id)) return false;
    if (!view.subject && !wanted.length) return true;
    if (view.subject && (store.shown(id).subject ?? "") !== view.subject) return false;
    const text = wanted.length ? searched(store, id) : "";
    return wanted.every((word) => text.includes(word));
  });
  if (view.sort === "set") return shown;
  // Each key once: of 15,000 questions two hundred thousand pairs are compared.
  const sorted = <Key>(key: (id: string) => Key, before: (a: Key, b: Key) => number) =>
    shown.map((id) => [id, key(id)] as const).sort(([, a], [, b]) => before(a, b)).map(([id]) => id);
  const up = (a: number, b: number) => a - b;
  const of = (id: string) => store.shown(id);
  const length = (q: Question) => q.question.length + q.choices.join("").length;
  const weight = (id: string) => (store.found.get(id) ?? []).reduce((sum, [, s]) => sum + (s === "error" ? 1000 : 1), 0);
  const by: Record<Exclude<Sort, "set">, () => string[]> = {
    question: () => sorted((id) => of(id).question, compare),
    subject: () => sorted((id) => of(id).subject ?? "\uffff", compare),
    longest: () => sorted((id) => -length(of(id)), up),
    gold: () => sorted((id) => of(id).answer, up),
    checks: () => sorted((id) => -weight(id), up),
    slope: () => sorted((id) => slope(id) ?? 1e9, up),
    relevance: () => sorted((id) => relevance(id) ?? 1e9, up),
  };
  return by[view.sort]();
}
