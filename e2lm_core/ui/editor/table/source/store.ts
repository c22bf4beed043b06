/** The table's state: the set's rows as the server has them, what is typed over them, and what was done to them. */

import { Drafts, newForm, type Sent, Server } from "./asking";
import { EVERYTHING, measures, remember, remembered, sound, type View } from "./finding";
import { keepInTab, leftInTab } from "./keeping";
import { linked, writeLink } from "./linking";
import {
  type Answer, type Cell, choiceOf, type Draft, type Effect, type Field, fieldOf, type Figure, type Figures, type Found, type Given, NEW,
  type Notice, ofPair, type Page, PAIR, place, type Question, same, type Typed, type Value,
} from "./types";
import { say } from "./words";

const EMPTY: Question = { id: NEW, question: "", choices: ["", "", "", ""], answer: -1, subject: null, note: null };
const TOLD = ["typed", "runs", "saved"] as const; // what is saved is run by the page, unless it runs already
type Told = (typeof TOLD)[number];
const OVERWRITING = ["delete", "retag", "replace"]; // refused for questions that changed since they were shown
const TOLD_EVERY_MS = 400, LINKED_AFTER_MS = 250, LEFT_MS = 2000;

const rowOf = ({ question, choices, answer, subject, note }: Question): Value[] => [question, choices, answer, subject ?? null, note ?? null];

export class Store {
  rows = new Map<string, Question>();
  order: string[] = [];
  places = new Map<string, number>();
  typed = new Map<string, Map<Field, Typed>>();
  clashes = new Map<string, Set<string>>();
  saved = new Map<string, number>();
  touched = new Set<string>(); // since the view is as it is
  found = new Map<string, Found[]>();
  effects = new Map<string, Effect>();
  chosen = new Set<string>();
  notice: Notice | null = null;
  editing: { id: string; cell: Cell } | null = null;
  cursor: { id: string; cell: Cell } | null = null;
  adding = false;
  isAdded = false; // what the new question's form holds is on its way
  loaded = false;
  lost = "";
  version = 0;
  lastSaved = 0;
  view: View;
  figures: Figures = {};
  private values: Partial<Record<keyof Figures | "taught", Map<string, number | null>>> = {};
  private asked: string[] = [];
  private aligned = new Map<keyof Figures, Figure>();
  private taught = "";
  private opened = false;
  private linking = 0;
  private wanted = ""; // a link's question that is not here yet
  toShow = ""; // a question to be scrolled to
  wantsFocus = false; // the cell where the cursor is, as soon as it is drawn
  private digest: string | null = null;
  private stamp = "";
  private drafts = new Map<string, Draft>();
  private forms = new Map<string, string>();
  private subject: string | null = null; // of the question that was added last, offered for the next
  private underway = new Map<string, Set<Typed>>(); // values of a field that are sent and not answered yet
  private timers = new Map<string, number>();
  private listeners = new Set<() => void>();
  private toldAt = 0;
  private telling = 0;
  private leftAt = 0;
  private toTell: Told = "typed";
  readonly server: Server;
  private readonly kept: Drafts;

  constructor(public given: Given, public page: Page) {
    this.server = new Server(() => this.given, () => this.digest, () => this.changed());
    this.kept = new Drafts(() => this.given, (text) => this.say({ text, error: true }));
    this.typed = leftInTab(given.task);
    this.view = remembered(given.task);
  }

  // --- what is shown ------------------------------------------------------------------------------------------

  /** Called where the table comes into a page: the address says what it shows, or is told. */
  look() {
    const link = linked(this.given.task), first = !this.opened;
    this.opened = true;
    if (link?.question && link.question !== this.cursor?.id) this.wanted = link.question;
    // The card's link names a question alone: whoever comes back from there has the filters as they were.
    if (link && (first || !same(link.view, EVERYTHING))) this.set(sound(link.view));
    else this.link();
    this.find();
  }

  /** The question that a link names is in hand as soon as it is here. */
  private find() {
    const { wanted } = this;
    if (!wanted || !this.loaded) return;
    this.wanted = "";
    if (this.rows.has(wanted)) this.cursor = { id: wanted, cell: "question" };
    this.toShow = this.cursor?.id ?? "";
  }

  set(part: Partial<View>) {
    this.touched.clear();
    this.view = { ...this.view, ...part };
    remember(this.given.task, this.view);
    this.link();
    this.ask();
    this.changed();
  }

  /** The address names what is shown and which question is in hand: a moment later, as browsers write it only so often. */
  link() {
    const { pathname } = location;
    window.clearTimeout(this.linking);
    this.linking = window.setTimeout(() => {
      if (location.pathname === pathname) writeLink(this.given.task, this.view, this.wanted || (this.cursor?.id ?? null));
    }, LINKED_AFTER_MS);
  }

  /** Have the page give what the view asks for: of a set that nobody filters nothing is computed. */
  private ask() {
    const names = measures(this.view);
    if (same(names, this.given.measures) || same(names, this.asked)) return;
    this.asked = names;
    this.page.tell("measure", names);
  }

  /** What the page gives of it. */
  measure(figures: Figures) {
    this.figures = figures;
    this.align();
  }

  isMeasured(name: keyof Figures): boolean {
    return !!this.values[name];
  }

  figure(name: keyof Figures, id: string): number | null {
    return this.values[name]?.get(id) ?? null;
  }

  /** Why the view does not show what it asks for: what that needs. */
  lacking(): string[] {
    return measures(this.view).flatMap((name) => this.figures[name]?.why ?? (this.values[name] ? [] : [say("Reading what is known of these questions …")]));
  }

  /** Values come in the order of the set's questions: they are given to these where both are of one state. */
  private align() {
    const given = (values: (number | null)[]) => new Map(this.order.map((id, at) => [id, values[at] ?? null]));
    for (const [name, figure] of Object.entries(this.figures) as [keyof Figures, Figures[keyof Figures]][]) {
      if (!figure?.values) delete this.values[name];
      else if (this.aligned.get(name) !== figure && figure.stamp === this.stamp && figure.values.length === this.order.length) {
        this.values[name] = given(figure.values);
        this.aligned.set(name, figure);
      }
    }
    const { taught, stamp } = this.given;
    if (!taught) delete this.values.taught;
    else if (stamp === this.stamp && taught.length === this.order.length && this.taught !== taught + stamp) {
      this.values.taught = given([...taught].map(Number));
      this.taught = taught + stamp;
    }
  }

  /** Called with each drawing of the page: what is new is fetched, and nothing else. */
  take(given: Given, page: Page) {
    const news = given.stamp !== this.stamp || given.typed !== this.given.typed || !this.loaded;
    this.given = given;
    this.page = page;
    this.align();
    this.ask();
    if (news) this.sync();
    else this.changed();
  }

  sync() {
    this.server.ask(() => ({})).then((answer) => this.apply(answer), (error) => this.fail(error));
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed() {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  say(notice: Notice | null) {
    this.notice = notice;
    this.changed();
  }

  /** A question as the table shows it: saved, with what is typed over it. */
  shown(id: string): Question {
    const question = { ...(id === NEW ? { ...EMPTY, subject: this.subject } : this.rows.get(id) ?? { ...EMPTY, id }) };
    for (const [field, typed] of this.typed.get(id) ?? []) (question as Record<Field, Value>)[field] = typed.value;
    return question;
  }

  subjects(): string[] {
    const found = new Set<string>();
    for (const question of this.rows.values()) if (question.subject) found.add(question.subject);
    return [...found].sort((a, b) => a.localeCompare(b));
  }

  unsaved(id: string): boolean {
    return !!this.typed.get(id)?.size || !!this.clashes.get(id)?.size;
  }

  isSaving(id: string): boolean {
    return [...(this.typed.get(id)?.values() ?? [])].some((typed) => typed.state === "saving");
  }

  isTaught(id: string): boolean | null {
    const known = this.values.taught?.get(id);
    return known === undefined || known === null ? null : known === 1;
  }

  // --- what comes from the server ---------------------------------------------------------------------------

  apply(answer: Answer) {
    if (answer.lost) {
      this.lost = answer.sentence ?? "";
      this.changed();
      return;
    }
    this.lost = "";
    this.loaded = true;
    if (answer.whole) {
      this.rows = new Map(answer.rows.map((row) => [row.id, row]));
      this.order = answer.rows.map((row) => row.id);
    } else {
      for (const id of answer.gone) this.rows.delete(id);
      const added = answer.rows.filter((row) => !this.rows.has(row.id)).map((row) => row.id);
      for (const row of answer.rows) this.rows.set(row.id, row);
      if (answer.order) this.order = answer.order;
      else if (answer.gone.length || added.length)
        this.order = [...this.order.filter((id) => this.rows.has(id)), ...added];
    }
    this.places = new Map(this.order.map((id, at) => [id, at]));
    for (const id of [...this.chosen]) if (!this.rows.has(id)) this.chosen.delete(id);
    if (this.notice?.undo && answer.digest !== this.digest) this.notice = null; // its button would take back another change
    this.digest = answer.digest;
    this.stamp = answer.stamp;
    this.align();
    this.takeDrafts(answer);
    this.find();
    this.changed();
  }

  private fail(error: unknown) {
    this.say({ text: error instanceof Error ? error.message : String(error), error: true });
  }

  /** Texts that were typed before, in whatever window, and those that clash with another's. */
  private takeDrafts({ drafts, over, asked }: Answer) {
    const isKnown = (typed?: Typed) => !!typed?.kept && typed.kept <= asked; // the server had it when it was asked
    const isOpen = (id: string, field: Field) => this.editing?.id === id && fieldOf(this.editing.cell) === field;
    this.drafts = new Map(drafts.map((draft) => [draft.place, draft]));
    this.clashes.clear();
    for (const [id, fields] of this.typed) {
      if (!over[place(id)]?.includes(this.forms.get(id) ?? "")) continue;
      for (const [field, typed] of fields) if (isKnown(typed) && !isOpen(id, field)) fields.delete(field);
      if (!fields.size) this.forget(id);
    }
    const differs = (draft: Draft, field: Field) => field in draft.fields && !same(draft.fields[field], draft.seen[field]);
    const differing = (draft: Draft) =>
      (Object.entries(draft.fields) as [Field, Value][]).filter(([field]) => (ofPair(field) ? PAIR : [field]).some((one) => differs(draft, one)));
    for (const draft of drafts) {
      const id = draft.place === NEW ? NEW : draft.place.replace(/^question\//, "");
      if (draft.place !== NEW && !this.rows.has(id)) continue;
      if (draft.tried) {
        this.clashes.set(id, new Set(differing(draft).map(([field]) => field)));
        continue;
      }
      if (!this.typed.get(id)?.size || !this.forms.has(id)) this.forms.set(id, draft.form);
      if (this.forms.get(id) !== draft.form) continue; // another window's
      for (const [field, value] of differing(draft)) {
        const typed = this.typed.get(id)?.get(field);
        if (typed && (!isKnown(typed) || typed.state === "refused" || isOpen(id, field))) continue;
        this.overlay(id).set(field, { value, seen: draft.seen[field] ?? null, state: "typed", kept: asked });
      }
    }
    for (const [id, fields] of this.typed) {
      const draft = this.drafts.get(place(id)), form = draft && !draft.tried ? draft.form : over[place(id)]?.at(-1);
      for (const [field, typed] of fields) {
        if (typed.left && !draft && this.isSaved(id, field)) fields.delete(field);
        if (!isKnown(typed)) continue;
        if (form && form !== this.forms.get(id)) {
          if (this.isSaved(id, field)) fields.delete(field); // in the card, where more was typed since
          else typed.kept = undefined; // another window's text has taken its place
        } else if (!isOpen(id, field) && (draft === undefined || draft.tried || !(field in draft.fields))) fields.delete(field);
      }
      if (!fields.size) this.forget(id);
    }
    this.backup();
    if (this.typed.get(NEW)?.size) this.adding = true;
  }

  /** Whether what is typed in a field is what the set holds; choices and right answer are one value. */
  private isSaved(id: string, field: Field): boolean {
    const row = this.rows.get(id) as unknown as Record<Field, Value> | undefined;
    const parts = [...(this.typed.get(id) ?? [])].filter(([one]) => one === field || (ofPair(one) && ofPair(field)));
    return !!row && parts.every(([one, typed]) => same(typed.value, row[one]));
  }

  private forget(id: string) {
    this.typed.delete(id);
    this.forms.delete(id);
  }

  private overlay(id: string): Map<Field, Typed> {
    let fields = this.typed.get(id);
    if (!fields) this.typed.set(id, (fields = new Map()));
    return fields;
  }

  // --- typing and saving ------------------------------------------------------------------------------------

  /** Put a value over a field; it becomes a draft in a moment, and is saved by `save`. */
  type(id: string, values: Partial<Record<Field, Value>>) {
    const row = (id === NEW ? EMPTY : this.rows.get(id)) as unknown as Record<Field, Value> | undefined;
    if (!row) return;
    this.touched.add(id);
    const fields = this.overlay(id), shown = this.shown(id), stood = new Map(fields);
    if (Object.keys(values).some((field) => ofPair(field as Field))) {
      values = { choices: shown.choices, answer: shown.answer, ...values };
      if (!PAIR.every((field) => fields.has(field))) for (const field of PAIR) fields.delete(field); // both were seen as they are now
    }
    for (const [field, value] of Object.entries(values) as [Field, Value][]) {
      const before = fields.get(field), draft = stood.get(field);
      fields.set(field, { value, seen: before ? before.seen : row[field] ?? null, shown: draft?.kept ? draft.value : draft?.shown, state: "typed" });
    }
    this.backup();
    if (!this.timers.has(id)) this.timers.set(id, window.setTimeout(() => this.draft(id), this.given.rest_ms));
  }

  typeCell(id: string, cell: Cell, text: string) {
    const choice = choiceOf(cell);
    if (choice === null) {
      this.type(id, { [cell]: cell === "question" ? text : text || null });
      return;
    }
    const choices = [...this.shown(id).choices];
    while (choices.length <= choice) choices.push("");
    choices[choice] = text;
    if (id !== NEW) while (choices.length && !choices.at(-1)!.trim()) choices.pop();
    this.type(id, { choices });
  }

  draft(id: string, leaving = false) {
    window.clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    const fields: Record<string, Value> = {}, seen: Record<string, Value> = {};
    const held = this.drafts.get(place(id));
    if (held && !held.tried) {
      Object.assign(fields, held.fields);
      Object.assign(seen, held.seen);
    }
    for (const [field, typed] of this.typed.get(id) ?? []) {
      fields[field] = typed.value;
      seen[field] = typed.seen;
    }
    if (!Object.keys(fields).length || (held?.tried && !this.typed.get(id)?.size)) return;
    if (!this.forms.has(id)) this.forms.set(id, newForm());
    const typed = new Map(this.typed.get(id));
    void this.kept.send(place(id), this.forms.get(id)!, fields, seen, leaving).then((sent) => this.heard(id, typed, sent));
  }

  /** What came of a draft: what is not with the server goes again, in a form of its own where that one is over. */
  private heard(id: string, drafted: Map<Field, Typed>, sent: Sent) {
    const fields = this.typed.get(id) ?? new Map<Field, Typed>();
    if (sent === "kept") for (const [field, typed] of fields) if (drafted.get(field) === typed) typed.kept = Date.now();
    this.backup();
    this.server.setAway(sent === "lost");
    if (![...fields.values()].some((typed) => typed.state === "typed" && !typed.kept) || this.timers.has(id)) return;
    if (sent === "over") this.forms.delete(id);
    const wait = sent === "lost" ? this.given.again_ms : 0;
    if (wait || sent === "over") this.timers.set(id, window.setTimeout(() => this.draft(id), wait));
  }

  /** Save what is typed in a question, or in some of its fields; a new one is saved by `add`. */
  async save(id: string, ...only: Field[]) {
    if (id === NEW) return;
    const row = this.rows.get(id) as unknown as Record<Field, Value> | undefined;
    const all = this.typed.get(id);
    if (!row || !all) return;
    window.clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    const wanted = only.some(ofPair) ? [...only, ...PAIR] : only;
    const sent = new Map([...all].filter(([field, t]) => (!wanted.length || wanted.includes(field)) && t.state !== "saving"));
    const way = (field: Field) => `${id} ${field}`;
    const isBack = (field: Field) => {
      const parts = [...all].filter(([one]) => one === field || (ofPair(one) && ofPair(field)));
      return parts.every(([, t]) => same(t.value, t.seen)) || parts.every(([one, t]) => same(t.value, row[one]));
    };
    const back = new Set([...sent.keys()].filter(isBack));
    for (const [field, typed] of sent) {
      if (this.underway.has(way(field))) typed.state = "saving"; // what is there by then is not what is seen now
      else if (back.has(field)) {
        all.delete(field); // typed back
        sent.delete(field);
        this.kept.send(place(id), this.forms.get(id) ?? newForm(), { [field]: typed.seen }, { [field]: typed.seen });
      } else typed.state = "saving";
    }
    if (!all.size) this.typed.delete(id);
    if (sent.size) this.effects.delete(id); // what an earlier edit did
    this.backup();
    this.changed();
    if (!sent.size) return;
    for (const [field, typed] of sent) {
      const others = this.underway.get(way(field)) ?? new Set();
      this.underway.set(way(field), others.add(typed));
    }
    await this.kept.settled(place(id));
    const values = (of: (typed: Typed) => Value | undefined) => Object.fromEntries([...sent].map(([field, t]) => [field, of(t)])); // JSON leaves out what is undefined
    let answer: Answer;
    try {
      answer = await this.server.ask(() => ({ do: "save", id, fields: values((t) => t.value), seen: values((t) => t.seen), shown: values((t) => t.shown), form: this.forms.get(id) ?? "" }));
    } catch (error) {
      for (const typed of sent.values()) typed.state = "typed";
      this.fail(error);
      return;
    } finally {
      for (const [field, typed] of sent) {
        const others = this.underway.get(way(field))!;
        others.delete(typed);
        if (!others.size) this.underway.delete(way(field));
      }
    }
    this.forms.delete(id);
    const fields = this.typed.get(id);
    const draft = answer.drafts?.find((one) => one.place === place(id) && !one.tried); // none where nothing can be written or the set is gone
    const clashes = answer.clashes ?? [], isClash = (field: Field) => clashes.some((one) => one === field || (ofPair(one) && ofPair(field)));
    for (const [field, typed] of sent) {
      const now = fields?.get(field);
      // All that was typed over it meanwhile, also what waits to be sent, was typed over what is there now.
      if (!answer.sentence && !isClash(field)) for (const later of [now, ...(this.underway.get(way(field)) ?? [])]) if (later && later !== typed) later.seen = typed.value;
      if (now !== typed) continue;
      if (answer.sentence) Object.assign(typed, { state: "refused", sentence: answer.sentence, kept: draft && field in draft.fields ? answer.asked : undefined });
      else fields!.delete(field);
    }
    if (fields && !fields.size) this.typed.delete(id);
    if (!answer.sentence && !answer.clashes?.length) this.tick(id);
    this.backup();
    this.apply(answer);
    this.tell(answer.sentence ? "typed" : answer.runs ? "runs" : "saved");
  }

  private tick(id: string) {
    this.lastSaved = Date.now();
    this.saved.set(id, this.lastSaved);
  }

  /** Leave a field as it was before it was typed in. */
  cancel(id: string, cell: Cell) {
    const field = fieldOf(cell), typed = this.typed.get(id)?.get(field);
    if (!typed || (ofPair(field) && same(typed.value, typed.seen))) return;
    const { value, seen } = typed;
    this.type(id, { [field]: seen });
    this.draft(id);
    const all = this.typed.get(id)!, parts = ofPair(field) ? PAIR : [field];
    // The mark of an answer stays, with the choices as they were seen.
    if (parts.every((one) => same(all.get(one)!.value, all.get(one)!.seen))) for (const one of parts) all.delete(one);
    if (!all.size) this.typed.delete(id);
    this.backup();
    if (same(value, seen)) this.changed();
    else this.say({ text: say("Change discarded."), back: () => { this.type(id, { [field]: value }); this.save(id, field); } });
  }

  /** Do something to the set; what changed comes with the answer. */
  async act(what: string, body: Record<string, unknown> | (() => Record<string, unknown>) = {}): Promise<Answer | null> {
    const ids = typeof body !== "function" && OVERWRITING.includes(what) ? (body.ids as string[]) : [], shown = new Map(ids.map((id) => [id, this.coming(id)]));
    let answer: Answer;
    try {
      // What waits before this in the queue may bring another's change, which whoever asked for this has not seen.
      answer = await this.server.ask(() => {
        const other = ids.find((id) => this.rows.has(id) && !shown.get(id)!.some((state) => same(state, rowOf(this.rows.get(id)!))));
        if (other) throw new Error(say("Question {id} was changed after the table showed it: look again, and then repeat that.", { id: other }));
        return { ...(typeof body === "function" ? body() : body), do: what };
      });
    } catch (error) {
      this.fail(error);
      return null;
    }
    this.apply(answer);
    if (answer.sentence) this.say({ text: answer.sentence, error: true });
    else {
      if (answer.done) this.notice = { text: answer.done, undo: answer.undo };
      if (what !== "find" && what !== "sets") {
        this.lastSaved = Date.now();
        this.tell(answer.runs ? "runs" : "saved");
      }
      this.changed();
    }
    return answer;
  }

  /** A question as it is saved, and as it will be with what is being saved. */
  private coming(id: string): Value[][] {
    const row = this.rows.get(id), saving = [...(this.typed.get(id) ?? [])].filter(([, typed]) => typed.state === "saving");
    return row ? [rowOf(row), rowOf({ ...row, ...Object.fromEntries(saving.map(([field, typed]) => [field, typed.value])) })] : [];
  }

  /** Add the new question; false where it was not, or is on its way already. */
  async add(): Promise<boolean> {
    if (this.isAdded) return false;
    const question = this.shown(NEW);
    const choices = [...question.choices];
    while (choices.length && !choices.at(-1)!.trim()) choices.pop();
    const { question: text, answer: gold, subject } = question;
    window.clearTimeout(this.timers.get(NEW));
    this.timers.delete(NEW);
    this.isAdded = true;
    this.changed();
    this.draft(NEW);
    await this.kept.settled(NEW);
    const fields = { question: text, choices, answer: gold, subject: subject || null };
    const answer = await this.act("add", () => ({ fields, form: this.forms.get(NEW) ?? "" }));
    this.isAdded = false;
    this.changed();
    if (!answer?.added) return false;
    this.subject = subject || null;
    this.forget(NEW);
    this.backup();
    this.tick(answer.added);
    this.cursor = { id: answer.added, cell: "question" };
    this.say({ text: say("Added question {id}.", { id: answer.added ?? "" }), undo: true });
    return true;
  }

  async discard(id: string) {
    this.typed.delete(id);
    window.clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    this.forms.delete(id);
    this.backup();
    await this.kept.settled(place(id));
    await this.act("discard", { place: place(id) });
  }

  /** The page is to draw again what it shows beside the table: at once, and not more often than it can. */
  tell(told: Told = "saved") {
    if (TOLD.indexOf(told) > TOLD.indexOf(this.toTell)) this.toTell = told;
    window.clearTimeout(this.telling);
    const wait = Math.max(0, this.toldAt + TOLD_EVERY_MS - Date.now(), this.leftAt + LEFT_MS - Date.now());
    this.telling = window.setTimeout(() => {
      this.toldAt = Date.now();
      this.telling = 0;
      this.page.tell("changed", this.toTell);
      this.toTell = "typed";
    }, wait);
  }

  /** Somebody goes elsewhere: a drawing of this page would win against that of the other, which is not here yet. */
  hold() {
    this.leftAt = Date.now();
    if (this.telling) this.tell("typed");
  }

  private backup() {
    keepInTab(this.given.task, this.typed);
  }

  /** The page is left: what is typed goes along. */
  leave() {
    for (const [id, fields] of this.typed) if ([...fields.values()].some((t) => t.state === "typed" && !t.kept)) this.draft(id, true);
  }
}
