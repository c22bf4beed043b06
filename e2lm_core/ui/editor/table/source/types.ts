/** What the table's parts say to each other: questions, what of them is typed, and what the page gives and hears. */

export type Field = "question" | "choices" | "answer" | "subject" | "note";
export type Value = string | string[] | number | null;
/** The right answer counts the choices: who writes one of the two has seen both, and means it together with the other. */
export const PAIR: Field[] = ["choices", "answer"];
export const ofPair = (field: Field) => PAIR.includes(field);

export interface Question {
  id: string;
  question: string;
  choices: string[];
  answer: number;
  subject?: string | null;
  note?: string | null;
}

/** What the page gives: only what is small; the rows come from `url`. */
export interface Given {
  script: string;
  url: string;
  drafts: string;
  pass: string;
  task: string;
  stamp: string;
  typed: string;
  readonly: boolean;
  taught: string;
  known: string; // where to ask whether the mini models know what is typed; "" where that is not knowable
  measures: string[]; // what of `Figures` the page gives
  rest_ms: number;
  again_ms: number;
  words?: Record<string, string>; // translations by the English text; none in English
}

/** What the page's checks have found: the question's id and the sentence. */
export type Found = [id: string, severity: "error" | "warning", sentence: string];

/** What is known of each question beside its text: of the set as it was at that stamp, or why nothing is. */
export interface Figure {
  stamp: string;
  values?: (number | null)[];
  why?: string;
}
export type Figures = Partial<Record<"slope" | "relevance", Figure>>;

/** What the last edit did to a question: in words, as its curve before and after, and how far its run is. */
export interface Effect {
  text: string;
  lines?: [name: "before" | "now", points: string][];
  box?: [width: number, height: number];
  running?: string;
  said?: string; // whether a cue word made the rise, where that was run
  warns?: boolean; // whether one did
  ask?: boolean; // whether that can be run
}

export interface Page {
  tell: (event: string, value: unknown) => void;
}

export interface Draft {
  place: string;
  form: string;
  fields: Partial<Record<Field, Value>>;
  seen: Partial<Record<Field, Value>>;
  tried: boolean;
}

export interface Answer {
  digest: string;
  stamp: string;
  whole: boolean;
  rows: Question[];
  gone: string[];
  order: string[] | null;
  drafts: Draft[];
  over: Record<string, string[]>; // by place, the forms whose text was saved or discarded, the last one last
  asked: number; // when, by this browser
  sentence?: string;
  runs?: boolean; // what it changed
  clashes?: Field[];
  done?: string;
  undo?: boolean;
  added?: string;
  found?: number;
  sets?: string[];
  shown?: [id: string, field: Field, before: string, after: string][];
  lost?: boolean; // the set is gone: then the answer has a sentence alone
}

/** A field that is typed and not saved: as it was seen before, and how far it has come. */
export interface Typed {
  value: Value;
  seen: Value;
  shown?: Value; // the draft over which it was typed: another window may save that, and then it is what the set holds
  state: "typed" | "saving" | "waiting" | "refused";
  sentence?: string;
  left?: boolean; // by the page before a reload, which may have been saving it
  kept?: number; // since when the server has it as a draft; the tab keeps it until then
}

export interface Notice {
  text: string;
  error?: boolean;
  undo?: boolean;
  back?: () => void;
}

/** A cell: question, subject, note, or the number of a choice. */
export type Cell = "question" | "subject" | "note" | `choice ${number}`;

export const NEW = "new";
export const place = (id: string) => (id === NEW ? NEW : `question/${id}`);
export const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
export const choiceOf = (cell: Cell) => (cell.startsWith("choice ") ? Number(cell.slice(7)) : null);
export const fieldOf = (cell: Cell): Field => (choiceOf(cell) === null ? (cell as Field) : "choices");
