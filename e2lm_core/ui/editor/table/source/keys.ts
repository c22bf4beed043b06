/** What keys do in the table while nobody types in a text. */

import { neighbour } from "./finding";
import type { Acts } from "./row";
import type { Store } from "./store";
import { type Cell, choiceOf } from "./types";
import { say } from "./words";

const MOVING = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];

export interface Hands {
  store: Store;
  ids: string[];
  acts: Acts;
  cellsOf: (id: string) => Cell[];
  go: (id: string, cell: Cell) => void;
  moveChoice: (id: string, choice: number, by: number) => void;
  removeChoice: (id: string, choice: number) => void;
  search: () => void;
  help: () => void;
  add: () => void;
}

export function pressed(event: KeyboardEvent, hands: Hands) {
  const { store, ids, acts, cellsOf, go } = hands;
  const { readonly } = store.given;
  const held = event.ctrlKey || event.metaKey;
  if (held && event.key.toLowerCase() !== "d") return; // the page's own, and the browser's
  if (!event.altKey) event.stopPropagation();
  const done = () => event.preventDefault();
  if (event.key === "/") return done(), hands.search();
  if (event.key === "?") return done(), hands.help();
  if (event.key.toLowerCase() === "n" && !held && !event.altKey) return done(), hands.add();
  if ((event.target as HTMLElement).matches("button, input, select")) return;
  const at = store.cursor;
  if (!at || !ids.includes(at.id)) {
    // The row where one was is not shown any more: any key that moves finds the table again.
    if (ids.length && !event.altKey && MOVING.includes(event.key)) done(), go(ids[event.key === "End" ? ids.length - 1 : 0], "question");
    return;
  }
  const { id, cell } = at, cells = cellsOf(id), column = cells.indexOf(cell), row = ids.indexOf(id);
  const choice = choiceOf(cell);
  const across = (by: number) => {
    if (cells[column + by]) go(id, cells[column + by]);
  };
  const down = (by: number) => {
    const to = ids[Math.max(0, Math.min(ids.length - 1, row + by))];
    const there = cellsOf(to);
    go(to, there.includes(cell) ? cell : choice === null ? "question" : there[Math.min(column, there.length - 1)]);
  };
  if (event.altKey) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by || readonly) return;
    done();
    event.stopPropagation();
    if (choice !== null) return hands.moveChoice(id, choice, by);
    if (store.view.sort !== "set") return store.say({ text: say("A question moves in the original order only: choose it under Sort."), error: true });
    const other = neighbour(store, id, by);
    if (other) void store.act("move", { ids: [id], [by < 0 ? "before" : "after"]: other }).then(() => go(id, cell));
    return;
  }
  const acting: Record<string, () => void> = {
    ArrowUp: () => down(-1),
    ArrowDown: () => down(1),
    ArrowLeft: () => across(-1),
    ArrowRight: () => across(1),
    PageUp: () => down(-8),
    PageDown: () => down(8),
    Home: () => down(-ids.length),
    End: () => down(ids.length),
  };
  const writing: Record<string, () => void> = {
    Enter: () => acts.edit(id, cell),
    F2: () => acts.edit(id, cell),
    Delete: () => {
      if (choice !== null) hands.removeChoice(id, choice);
      else if (cell !== "question") {
        store.type(id, { [cell]: null });
        void store.save(id, cell as "subject" | "note");
      } else acts.remove(store.chosen.has(id) ? ids.filter((one) => store.chosen.has(one)) : [id]);
    },
    " ": () => { if (choice !== null) acts.gold(id, choice); },
    "+": () => acts.edit(id, `choice ${store.shown(id).choices.length}`),
    x: () => acts.choose(id, event.shiftKey),
    X: () => acts.choose(id, true),
    d: () => { if (held) void store.act("duplicate", { ids: [id] }); },
  };
  for (let n = 1; n < 10; n += 1) writing[`${n}`] = () => acts.gold(id, n - 1);
  const act = acting[event.key] ?? (readonly ? undefined : writing[event.key]);
  if (act) {
    done();
    act();
  }
}
