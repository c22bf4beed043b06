/** What the page shows beside the table follows the question in hand, where the page asks for that. */

import type { Store } from "./store";

const HAND = "e2lm-hand", AFTER_MS = 200; // whoever goes through the rows by a key does not stop at each

export const tellHand = (store: Store) =>
  document.dispatchEvent(new CustomEvent(HAND, { detail: { task: store.given.task, id: store.cursor?.id } }));

/** Tell the panel's page which question is in hand: now if it shows another, and whenever that changes. */
export function follow(task: string, shown: string, store: Store | undefined, tell: (event: string, value: unknown) => void) {
  let timer = 0;
  const told = (id?: string) => {
    window.clearTimeout(timer);
    if (id && id !== shown) timer = window.setTimeout(() => tell("hand", id), AFTER_MS);
  };
  const heard = (event: Event) => {
    const { detail } = event as CustomEvent<{ task: string; id?: string }>;
    if (detail.task === task) told(detail.id);
  };
  document.addEventListener(HAND, heard);
  told(store?.cursor?.id);
  return () => {
    window.clearTimeout(timer);
    document.removeEventListener(HAND, heard);
  };
}
