/** The table in a page of Streamlit: drawn once for each set, and kept where the page lays it out anew. */

import { render } from "preact";
import { App } from "./app";
import { follow } from "./following";
import { Placing } from "./placing";
import { Store } from "./store";
import css from "./style.css";
import type { Effect, Figures, Found, Given } from "./types";
import { speak } from "./words";

const MOST_KEPT = 3; // with all their rows, for whoever comes back from another page

interface Component {
  data: Given & Noted & { follow?: string }; // the question that the panel shows
  parentElement: HTMLElement & { e2lmStop?: () => void };
  setTriggerValue: (name: string, value: unknown) => void;
}

interface Kept {
  store: Store;
  element: HTMLElement;
  placing: Placing;
  stop: () => void;
}

const tables: Map<string, Kept> = ((window as unknown as { e2lmTables?: Map<string, Kept> }).e2lmTables ??= new Map());

/** Called with each drawing of the page; Streamlit calls what is returned when the table is taken out of it. */
export default function ({ data, parentElement, setTriggerValue }: Component) {
  if (data.follow !== undefined) return follow(data.task, data.follow, tables.get(data.task)?.store, setTriggerValue);
  if (data.found || data.effects) {
    noted(data.task, data);
    return () => {};
  }
  speak(data.words);
  const page = { tell: setTriggerValue };
  const kept = tables.get(data.task) ?? made(data, page);
  tables.set(data.task, kept);
  if (kept.placing.into(parentElement)) kept.store.look();
  kept.store.take(data, page);
  for (const [task, other] of tables)
    if (tables.size > MOST_KEPT && !other.element.isConnected) {
      other.stop();
      tables.delete(task);
    }
  return () => kept.store.leave();
}

function made(data: Given, page: { tell: (event: string, value: unknown) => void }): Kept {
  if (!document.getElementById("qt-style")) {
    const style = document.createElement("style");
    style.id = "qt-style";
    style.textContent = css;
    document.head.append(style);
  }
  const store = new Store(data, page), element = document.createElement("div");
  noteInto(store, waiting.get(data.task) ?? {});
  render(<App store={store} />, element);
  const leave = () => store.leave(), news = () => { if (element.isConnected) store.sync(); };
  window.addEventListener("pagehide", leave);
  document.addEventListener("e2lm-news", news);
  const away = (event: Event) => { if ((event.target as Element).closest?.("a[href]")) store.hold(); }, back = () => store.hold();
  const going = ["pointerdown", "click"]; // at the press already: what is told between press and release would come second, and win
  for (const event of going) document.addEventListener(event, away, true);
  window.addEventListener("popstate", back);
  return {
    store,
    element,
    placing: new Placing(element, store),
    stop: () => {
      window.removeEventListener("pagehide", leave);
      document.removeEventListener("e2lm-news", news);
      for (const event of going) document.removeEventListener(event, away, true);
      window.removeEventListener("popstate", back);
      render(null, element);
    },
  };
}

// --- what checks and models say, which comes later than the rows --------------------------------------------------

interface Noted {
  found?: Found[];
  figures?: Figures;
  effects?: Record<string, Effect>;
}
const waiting = new Map<string, Noted>();

function noted(task: string, { found, figures, effects }: Noted) {
  const what = found ? { found, figures } : { effects };
  waiting.set(task, { ...waiting.get(task), ...what });
  const kept = tables.get(task);
  if (kept) {
    noteInto(kept.store, what);
    kept.store.changed();
  }
}

function noteInto(store: Store, { found, figures, effects }: Noted) {
  if (effects) store.effects = new Map(Object.entries(effects).filter(([id]) => !store.isSaving(id)));
  if (!found) return;
  store.found = new Map();
  for (const one of found) {
    const same = store.found.get(one[0]);
    if (same) same.push(one);
    else store.found.set(one[0], [one]);
  }
  store.measure(figures ?? {});
}
