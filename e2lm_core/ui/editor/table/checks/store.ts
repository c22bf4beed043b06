/** What the table keeps, sends and forgets, against a server of a few lines: `npm test`. */

import assert from "node:assert/strict";
import { Store } from "../source/store";
import type { Given } from "../source/types";

type Row = { id: string; question: string; choices: string[]; answer: number };
type Sent = { do?: string; id?: string; place?: string; form?: string; view?: string; since?: string | null; fields?: any; seen?: any; shown?: any };

const tab = new Map<string, string>();
let rows: Row[] = [
  { id: "q1", question: "One?", choices: ["a", "b"], answer: 0 },
  { id: "q2", question: "Two?", choices: ["a", "b"], answer: 1 },
];
let drafts: { place: string; form: string; fields: any; seen: any; tried: boolean }[] = [];
let over: Record<string, string[]> = {}; // the forms whose text was saved or discarded, by place
let late: Promise<unknown> | null = null;
let digest = 0, down = false, full = false, gone = false, refusal = "", slow = 0, runs = false;

const wait = (ms: number) => new Promise((over) => setTimeout(over, ms));
const without = (place: string) => drafts.filter((draft) => draft.place !== place);
const json = (value: unknown) => ({ ok: true, status: 200, json: async () => structuredClone(value), text: async () => "" });

async function answer(url: string, { body }: { body: string }) {
  const sent: Sent = JSON.parse(body);
  if (down) throw new TypeError("no server");
  if (slow) await wait(slow);
  if (url === "/drafts") {
    if (full) return { ok: false, status: 507, json: async () => ({ sentence: refusal }) };
    const { place, form, fields, seen } = sent;
    if (over[place!]?.includes(form!)) return json({ kept: false, over: true });
    drafts = without(place!);
    if (over[place!]?.at(-1) === "") over[place!].pop();
    if (JSON.stringify(fields) !== JSON.stringify(seen)) drafts.push({ place: place!, form: form!, fields, seen, tried: false });
    else if (over[place!]) over[place!].push(""); // typed back
    return { ok: true, status: 204 };
  }
  if (gone) return json({ lost: true, sentence: refusal });
  const whole = sent.since === null, listed = structuredClone({ drafts, over });
  const told: any = { whole, rows: whole ? rows : [], gone: [], order: null };
  if (sent.do === "save") {
    const here: any = rows.find((row) => row.id === sent.id)!;
    const holds = (field: string, values: any) => JSON.stringify(here[field]) === JSON.stringify(values?.[field]);
    const differs = Object.keys(sent.fields).filter((field) => !holds(field, sent.seen) && !holds(field, sent.shown));
    told.sentence = refusal;
    told.clashes = refusal ? [] : differs;
    told.runs = runs;
    if (full) return json({ ...told, digest: `${digest}`, stamp: `${digest}`, drafts, over });
    ended(`question/${sent.id}`);
    if (refusal) drafts.push({ place: `question/${sent.id}`, form: "f".repeat(32), fields: sent.fields, seen: sent.seen, tried: false });
    else if (differs.length) drafts.push({ place: `question/${sent.id}`, form: "f".repeat(32), fields: sent.fields, seen: sent.seen, tried: true });
    else told.rows = [Object.assign(here, sent.fields)];
    digest += 1;
  }
  if (sent.do === "discard") ended(sent.place!);
  if (sent.do === "add") {
    told.added = "q3";
    rows = [...rows, { id: "q3", ...sent.fields }];
    told.rows = rows.slice(-1);
    ended("new");
    digest += 1;
  }
  if (late && !sent.do) {
    await late; // what it lists is as it was when the table asked
    return json({ ...told, digest: `${digest}`, stamp: `${digest}`, ...listed });
  }
  return json({ ...told, digest: `${digest}`, stamp: `${digest}`, drafts, over });
}

/** Saved or discarded: its form's later text is no draft any more. */
function ended(place: string) {
  const draft = drafts.find((one) => one.place === place);
  if (draft) over[place] = [...(over[place] ?? []), draft.form];
  drafts = without(place);
}

const heard: string[] = [];
Object.assign(globalThis, {
  window: globalThis,
  location: new URL("http://studio/questions?set=mine&tab=write"),
  history: { replaceState: (_: unknown, __: string, at: URL) => { (globalThis as any).location = at; } },
  document: { dispatchEvent: (event: Event) => heard.push(event.type) },
  fetch: answer,
  sessionStorage: {
    getItem: (key: string) => tab.get(key) ?? null,
    setItem: (key: string, value: string) => tab.set(key, value),
    removeItem: (key: string) => tab.delete(key),
  },
});
const given: Given = {
  script: "", url: "/table", drafts: "/drafts", pass: "", task: "mine", stamp: "0", typed: "", readonly: false, taught: "", measures: [],
  rest_ms: 20, again_ms: 50,
};
const told: unknown[] = [];
const page = { tell: (event: string, value: unknown) => told.push([event, value]) };
async function opened() {
  const store = new Store(given, page);
  store.take(given, page);
  await wait(30);
  return store;
}

// What is typed is a draft, and none any more when it is saved.
const first = await opened();
assert.deepEqual(first.order, ["q1", "q2"]);
first.typeCell("q1", "question", "New?");
await wait(50);
assert.equal(drafts.length, 1);
await first.save("q1", "question");
await wait(10);
assert.equal(rows[0].question, "New?");
assert.deepEqual([first.typed.size, drafts.length, tab.size, first.saved.has("q1")], [0, 0, 0, true]);
assert.deepEqual(told, [["changed", "saved"]]);

// What runs already is not for the page to run, unless something else was saved meanwhile.
for (const [running, heard] of [[[true], "runs"], [[true, false], "saved"]] as const) {
  told.length = 0;
  for (const [number, one] of running.entries()) {
    runs = one;
    first.typeCell("q2", "question", `Two, ${heard} ${number}?`);
    await first.save("q2", "question");
  }
  await wait(450);
  assert.deepEqual(told.at(-1), ["changed", heard]);
}
runs = false;
first.typeCell("q2", "question", "Two?");
await first.save("q2", "question");
await wait(450);

// Typed on while the first is being saved: both are saved, and what was seen follows.
slow = 40;
first.typeCell("q1", "choice 0", "x");
const saving = first.save("q1", "choices");
await wait(10);
first.typeCell("q1", "choice 1", "y");
await saving;
slow = 0;
assert.deepEqual([rows[0].choices, first.shown("q1").choices], [["x", "b"], ["x", "y"]]);
assert.deepEqual(first.typed.get("q1")!.get("choices")!.seen, ["x", "b"]);
await first.save("q1");
assert.deepEqual(rows[0].choices, ["x", "y"]);

// Changed twice, the second time before the first is saved: nobody clashes with themselves.
slow = 40;
first.type("q1", { answer: 1 });
const once = first.save("q1", "answer");
first.type("q1", { answer: 0 });
await Promise.all([once, first.save("q1", "answer")]);
slow = 0;
assert.deepEqual([rows[0].answer, first.typed.size, first.clashes.size, drafts.length], [0, 0, 0, 0]);

// What is refused stays until it is mended or discarded.
refusal = "No.";
first.type("q2", { answer: 9 });
await first.save("q2");
first.sync();
await wait(10);
assert.equal(first.typed.get("q2")!.get("answer")!.sentence, "No.");
await first.discard("q2");
assert.ok(!first.typed.has("q2"));
first.type("q2", { answer: 9 });
await first.save("q2");
refusal = "";
first.type("q2", { answer: 0 });
await first.save("q2");
assert.deepEqual([rows[1].answer, first.typed.has("q2"), drafts.length], [0, false, 0]);

// So it does where the server can keep no draft of it either: nothing can be written there.
[full, refusal, over] = [true, "No permission.", {}];
first.type("q2", { answer: 9 });
await first.save("q2");
first.sync();
await wait(10);
assert.equal(first.typed.get("q2")?.get("answer")?.sentence, "No permission.");
assert.equal(first.shown("q2").answer, 9);
assert.ok([...tab.values()].some((text) => text.includes('"value":9')), "a reload has it again");
[full, refusal] = [false, ""];
await first.save("q2");
assert.deepEqual([rows[1].answer, first.typed.has("q2"), drafts.length], [9, false, 0]);
first.type("q2", { answer: 0 });
await first.save("q2");

// So it does where the set is gone, and the table says so until the set is there again.
[gone, refusal] = [true, "The set is gone."];
first.type("q2", { answer: 1 });
await first.save("q2");
assert.deepEqual([first.lost, first.shown("q2").answer], ["The set is gone.", 1]);
assert.equal(first.typed.get("q2")?.get("answer")?.state, "refused");
assert.ok([...tab.values()].some((text) => text.includes('"value":1')), "a reload has it again");
[gone, refusal] = [false, ""];
await first.save("q2");
assert.deepEqual([first.lost, rows[1].answer, first.typed.has("q2")], ["", 1, false]);
first.type("q2", { answer: 0 });
await first.save("q2");

// Without a server it waits, and says so.
down = true;
first.typeCell("q2", "question", "Down?");
const waiting = first.save("q2");
await wait(120);
assert.ok(first.server.away);
down = false;
await waiting;
assert.deepEqual([rows[1].question, first.server.away], ["Down?", false]);

// The right answer goes with the choices in which it was marked, whatever a colleague makes of them meanwhile.
rows[1] = { ...rows[1], choices: ["a", "b", "c"], answer: 0 };
const marking = await opened();
const moved = { ...rows[1], choices: ["c", "a", "b"], answer: 1 };
for (const edit of [{ answer: 2 }, { choices: ["b", "a", "c"] }] as const) {
  rows[1] = { ...rows[1], choices: ["a", "b", "c"], answer: 0 };
  marking.rows.set("q2", structuredClone(rows[1]));
  down = true;
  marking.type("q2", edit);
  const mark = marking.save("q2", Object.keys(edit)[0] as "answer");
  rows[1] = structuredClone(moved);
  marking.rows.set("q2", structuredClone(moved)); // the table has been told meanwhile
  assert.deepEqual([marking.shown("q2").choices, marking.shown("q2").answer], [edit.choices ?? ["a", "b", "c"], edit.answer ?? 0]);
  await wait(60);
  down = false;
  await mark;
  assert.deepEqual([rows[1].choices, rows[1].answer, [...marking.clashes.keys()]], [moved.choices, 1, ["q2"]]);
  assert.deepEqual(drafts.at(-1)!.fields, { choices: ["a", "b", "c"], answer: 0, ...edit });
  assert.deepEqual(drafts.at(-1)!.seen, { choices: ["a", "b", "c"], answer: 0 });
  await marking.discard("q2");
  marking.clashes.clear();
}
// What is deleted behind a saving is what was seen: not with a colleague's change that comes with that answer.
for (const theirs of [false, true]) {
  marking.rows.set("q2", structuredClone(rows[1]));
  down = true;
  marking.typeCell("q2", "question", `Two, ${theirs}?`);
  const saved = marking.save("q2");
  await wait(10);
  const gone = marking.act("delete", { ids: ["q2"] });
  if (theirs) rows[1] = { ...rows[1], choices: ["c", "a", "bb"] };
  await wait(60);
  down = false;
  await saved;
  assert.equal((await gone) === null, theirs);
}
assert.match(marking.notice!.text, /^Question q2 was changed after the table showed it/);
rows[1] = { ...rows[1], ...moved, question: "Down?" };
// What was marked before a reload, or in another window, was marked in the choices that were seen then.
drafts = [{ place: "question/q2", form: "d".repeat(32), fields: { choices: ["a", "b", "c"], answer: 2 }, seen: { choices: ["a", "b", "c"], answer: 0 }, tried: false }];
const later = await opened();
assert.deepEqual([later.shown("q2").choices, later.shown("q2").answer], [["a", "b", "c"], 2]);
await later.save("q2");
assert.deepEqual([rows[1].choices, rows[1].answer, later.clashes.has("q2")], [moved.choices, 1, true]);
await later.discard("q2");
// Marked back, and a choice left as it was while another is marked: nothing is sent, and the mark stays.
const before = digest;
marking.rows.set("q2", structuredClone(rows[1]));
marking.type("q2", { answer: 2 });
marking.type("q2", { answer: 1 });
await marking.save("q2", "answer");
assert.deepEqual([digest, marking.typed.size], [before, 0]);
marking.type("q2", { answer: 2 });
marking.typeCell("q2", "choice 0", "cc");
marking.cancel("q2", "choice 0");
assert.deepEqual([marking.shown("q2").choices, marking.shown("q2").answer], [["c", "a", "b"], 2]);
marking.cancel("q2", "choice 0");
assert.equal(marking.shown("q2").answer, 2);
await marking.discard("q2");

// After a reload it is there: from the tab, and from the server.
first.typeCell("q1", "question", "Half");
await wait(50);
const second = await opened();
assert.equal(second.shown("q1").question, "Half");
await second.save("q1");
assert.equal(rows[0].question, "Half");
second.typeCell("q1", "question", "Elsewhere");
await wait(50);
tab.clear();
const third = await opened();
assert.equal(third.shown("q1").question, "Elsewhere");
ended("question/q1"); // discarded in another window
third.sync();
await wait(10);
assert.equal(third.shown("q1").question, "Half");
second.cancel("q1", "question");
await wait(50);
assert.deepEqual([second.shown("q1").question, drafts.length], ["Half", 0]);

// Text over a draft that another window has saved meanwhile clashes with nothing: it was typed over what the set holds.
third.typeCell("q1", "question", "Both windows");
await wait(50);
const beside = await opened();
assert.equal(beside.shown("q1").question, "Both windows");
await third.save("q1");
beside.typeCell("q1", "question", "Over");
beside.typeCell("q1", "question", "Over it");
await beside.save("q1", "question");
assert.deepEqual([rows[0].question, drafts.length], ["Over it", 0]);
beside.typeCell("q1", "question", "Half");
await beside.save("q1", "question");
third.sync();
await wait(10);

// What was saved in the card, where more was typed and saved since, is no text whose place another window's has taken.
third.typeCell("q1", "question", "In the card");
await wait(50);
const answered = over;
[drafts, over] = [[], { ...over, "question/q1": ["e".repeat(32)] }];
third.sync();
await wait(10);
assert.equal(third.unsaved("q1"), true); // not saved
third.draft("q1");
await wait(50);
third.rows.set("q1", (rows[0] = { ...rows[0], question: "In the card" }));
[drafts, over] = [[], { ...over, "question/q1": ["e".repeat(32)] }];
third.sync();
await wait(10);
assert.equal(third.unsaved("q1"), false);
third.rows.set("q1", (rows[0] = { ...rows[0], question: "Half" }));
over = answered;

// A new question is no row before it is added, and is added once; its subject is offered for the next, which is no draft.
third.type("new", { question: "Three?", answer: 1, subject: "counting" });
third.typeCell("new", "choice 0", "a");
third.typeCell("new", "choice 1", "b");
assert.equal(third.rows.size, 2);
slow = 20;
assert.deepEqual(await Promise.all([third.add(), third.add()]), [true, false]);
slow = 0;
assert.deepEqual([third.order, rows[2].choices, third.typed.has("new")], [["q1", "q2", "q3"], ["a", "b"], false]);
assert.equal(third.shown("new").subject, "counting");
third.leave();
await wait(50);
assert.deepEqual([drafts.length, tab.size], [0, 0]);

// What is with the server is not in the tab, and goes where the card has saved or discarded it.
const kept = async () => {
  third.type("new", { question: "Kept?" });
  await wait(50);
  assert.deepEqual([drafts.length, tab.has("e2lm-table mine")], [1, false]);
  return drafts[0].form;
};
await kept();
ended("new");
third.sync();
await wait(10);
assert.deepEqual([third.typed.has("new"), third.shown("new").question], [false, ""]);

// Also where another text of the place was typed and saved after it, or is still typed.
await kept();
ended("new");
over.new.push("f".repeat(32));
third.sync();
await wait(10);
assert.deepEqual([third.typed.has("new"), third.shown("new").question], [false, ""]);
await kept();
ended("new");
drafts = [{ place: "new", form: "f".repeat(32), fields: { question: "In the card?" }, seen: { question: "" }, tried: false }];
over.new = over.new.filter((form) => form !== "f".repeat(32));
third.sync();
await wait(10);
assert.equal(third.shown("new").question, "In the card?");
ended("new");
third.sync();
await wait(10);
assert.equal(third.typed.has("new"), false);

// Text that another window has replaced stays here, and so does what was typed before this window heard of the end.
await kept();
over.new = ["f".repeat(32)];
drafts = [{ place: "new", form: "f".repeat(32), fields: { question: "Another's?" }, seen: { question: "" }, tried: false }];
third.sync();
await wait(10);
assert.deepEqual([third.shown("new").question, tab.has("e2lm-table mine")], ["Kept?", true]);
drafts = [];
third.sync();
await wait(10);
assert.equal(third.shown("new").question, "Kept?");
third.type("new", { question: "Kept here?" });
await wait(50);
const form = drafts[0].form;
ended("new");
third.type("new", { question: "Kept here, and more?" });
await wait(50);
assert.deepEqual(drafts.map((draft) => [draft.form === form, draft.fields.question]), [[false, "Kept here, and more?"]]);

// An answer that was on its way while the text came to the server takes nothing away.
let go: (value?: unknown) => void = () => null;
late = new Promise((then) => { go = then; });
await third.discard("new");
third.sync();
await wait(10);
third.type("new", { question: "Meanwhile?" });
await wait(50);
go();
late = null;
await wait(10);
assert.equal(third.shown("new").question, "Meanwhile?");
await third.discard("new");
assert.equal(third.shown("new").question, "");

// It is complete where the server would add it, and not before: no right answer, one of another place, an empty choice.
const { lack } = await import("../source/adding");
const whole = { id: "new", question: "What?", choices: ["a", "b", "", ""], answer: 1 };
assert.equal(lack(whole), "");
for (const [part, said] of [
  [{ question: " " }, "its text"],
  [{ choices: ["a", " ", "", ""] }, "two choices"],
  [{ choices: ["a", "", "b"] }, "choice B"],
  [{ choices: ["a", "b", " a"] }, "another text for choice C, which is that of A"],
  [{ answer: -1 }, "its right answer: click the letter of the right one"],
  [{ answer: null as unknown as number }, "its right answer: click the letter of the right one"],
  [{ answer: 3 }, "its right answer: click the letter of the right one"],
] as const) assert.equal(lack({ ...whole, ...part, choices: [...(part as any).choices ?? whole.choices] }), said);

// Views: a filter that needs a measure asks for it once, hides nothing meanwhile, and says what is lacking.
const { visible } = await import("../source/finding");
const { linked } = await import("../source/linking");
const ids = () => visible(third, third.view);
third.look();
told.length = 0;
third.set({ slope: "falls" });
third.set({ slope: "rises" });
assert.deepEqual(told, [["measure", ["slope"]]]);
assert.deepEqual(ids(), ["q1", "q2", "q3"]);
third.measure({ slope: { stamp: "", why: "A slope needs a run." } });
assert.deepEqual([third.lacking(), ids()], [["A slope needs a run."], ["q1", "q2", "q3"]]);
third.measure({ slope: { stamp: `${digest - 1}`, values: [1, -1] } }); // of the set as it was
assert.equal(third.isMeasured("slope"), false);
third.measure({ slope: { stamp: `${digest}`, values: [0.5, -0.5, null] } });
assert.deepEqual([third.lacking(), ids()], [[], ["q1"]]);
third.set({ slope: "unknown" });
assert.deepEqual(ids(), ["q3"]);
third.set({ slope: "", sort: "slope" });
assert.equal(told.length, 1);
assert.deepEqual(ids(), ["q2", "q1", "q3"]);

// A question moves past those that are shown, in the set's order alone.
const { neighbour } = await import("../source/finding");
assert.equal(neighbour(third, "q2", 1), undefined);
third.set({ sort: "set" });
assert.deepEqual([neighbour(third, "q1", 1), neighbour(third, "q1", -1), neighbour(third, "q3", -1)], ["q2", undefined, "q2"]);
third.chosen = new Set(["q1", "q3"]);
third.set({ state: "chosen" });
assert.deepEqual([ids(), neighbour(third, "q1", 1)], [["q1", "q3"], "q3"]);
third.chosen.clear();
third.set({ state: "all" });

// The address has what is shown, and gives it back; nonsense and another set's link change nothing.
third.set({ text: "two?", state: "bare", sort: "set" });
await wait(300);
assert.equal(location.search, "?set=mine&tab=write&find=two%3F&state=bare&question=q3");
assert.deepEqual(linked("mine")!.view.text, "two?");
assert.equal(linked("other"), null);
assert.ok(heard.includes("e2lm-link"));
Object.assign(globalThis, { location: new URL("http://studio/questions?set=mine&state=nonsense&question=q2") });
third.look();
assert.deepEqual([third.view.state, third.view.text, third.cursor], ["all", "", { id: "q2", cell: "question" }]);

// Whoever goes elsewhere is not drawn back: what is to be told waits, also what is said after the click.
await wait(500);
told.length = 0;
third.tell("saved");
third.hold();
third.tell("typed");
await wait(500);
assert.deepEqual(told, []);
await wait(1700);
assert.deepEqual(told, [["changed", "saved"]]);

// A page that is loaded again while it saves: its own text is no conflict, whether it was saved before the rows came or after.
tab.clear();
drafts = [];
over = {};
const edit = {
  question: (store: Store, n: number) => store.typeCell("q1", "question", `Anew ${n}?`),
  "choice 0": (store: Store, n: number) => store.typeCell("q1", "choice 0", `anew ${n}`),
  mark: (store: Store) => store.type("q1", { answer: 1 - rows[0].answer }),
};
let tries = 0;
for (const kinds of [["question"], ["choice 0"], ["mark"], ["question", "mark"], ["choice 0", "mark"]] as (keyof typeof edit)[][])
  for (const isLater of [false, true]) {
    const leaving = await opened(), before = rows, drafted: typeof drafts = drafts;
    rows = structuredClone(rows);
    for (const kind of kinds) edit[kind](leaving, (tries += 1));
    const going = leaving.save("q1"), left = [...tab]; // on its way when the page goes
    assert.equal(left.length, 1);
    await going;
    const [now] = [rows];
    for (const [key, value] of left) tab.set(key, value);
    if (isLater) rows = before;
    drafts = drafted;
    const back = await opened();
    assert.equal(back.unsaved("q1"), isLater, `${kinds} ${isLater}`);
    if (isLater) {
      rows = now;
      digest += 1;
      back.rows.set("q1", rows[0] as any);
      back.sync();
      await wait(10);
    }
    assert.deepEqual([back.unsaved("q1"), tab.size, back.shown("q1").question, back.shown("q1").choices, back.shown("q1").answer], [false, 0, rows[0].question, rows[0].choices, rows[0].answer]);
  }

// Edits of one question that wait for a server, in every sequence of up to four kinds: all are saved, each over the one before.
const KINDS = ["question", "choice 0", "choice 1", "mark", "subject"] as const;
const sequences = (length: number): (typeof KINDS)[number][][] =>
  length ? sequences(length - 1).flatMap((before) => KINDS.map((kind) => [...before, kind])) : [[]];
given.again_ms = 1;
tab.clear();
drafts = [];
over = {};
rows = rows.map((row) => ({ subject: null, ...row }));
const offline = await opened();
let typings = 0;
for (const kinds of [1, 2, 3, 4].flatMap(sequences)) {
  const wanted: any = structuredClone(rows[0]);
  down = true;
  const savings = kinds.map((kind) => {
    const text = `${kind} of ${(typings += 1)}?`;
    if (kind === "mark") offline.type("q1", { answer: (wanted.answer = 1 - wanted.answer) });
    else {
      offline.typeCell("q1", kind, text);
      if (kind === "question" || kind === "subject") wanted[kind] = text;
      else wanted.choices[Number(kind.at(-1))] = text;
    }
    return offline.save("q1", kind === "question" || kind === "subject" ? kind : kind === "mark" ? "answer" : "choices");
  });
  await wait(0);
  down = false;
  await Promise.all(savings);
  assert.deepEqual(rows[0], wanted, kinds.join(", "));
  assert.deepEqual([offline.typed.has("q1"), offline.clashes.has("q1"), drafts.length], [false, false, 0], kinds.join(", "));
}

// The button of a notice takes back the last change: it stays while that is the one that the notice names.
offline.say({ text: "Deleted question q9.", undo: true });
await offline.act("find");
assert.equal(offline.notice?.undo, true);
offline.type("q1", { question: "Typed after the deletion?" });
await offline.save("q1", "question");
assert.equal(offline.notice, null);
process.exit(0);
