/** What of the table stands in the page's address: its filters and the question in hand, so that a link brings them back.
 *
 * It is written over the address as it is, without a step of the browser's way back; set and tab are the page's own
 * (`frame/addresses.py`, whose script keeps these names). */

import { EVERYTHING, type View } from "./finding";

const NAMES: Record<keyof View, string> = {
  text: "find", subject: "subject", state: "state", slope: "slope", relevance: "relevance", sort: "sort",
};
const QUESTION = "question";

const isHere = (asked: URLSearchParams, task: string) => (asked.get("set") ?? task) === task;

/** The view and the question that the address names; null where it names none, or another set. */
export function linked(task: string): { view: View; question: string | null } | null {
  const asked = new URLSearchParams(location.search);
  const names = [...Object.values(NAMES), QUESTION];
  if (!isHere(asked, task) || !names.some((name) => asked.has(name))) return null;
  const view = { ...EVERYTHING };
  for (const [part, name] of Object.entries(NAMES)) Object.assign(view, { [part]: asked.get(name) ?? EVERYTHING[part as keyof View] });
  return { view, question: asked.get(QUESTION) };
}

export function writeLink(task: string, view: View, question: string | null) {
  const at = new URL(location.href), asked = at.searchParams;
  if (!isHere(asked, task)) return;
  const put = (name: string, value: string | null, none: string) => {
    if (value && value !== none) asked.set(name, value);
    else asked.delete(name);
  };
  for (const [part, name] of Object.entries(NAMES)) put(name, view[part as keyof View], EVERYTHING[part as keyof View]);
  put(QUESTION, question, "");
  if (at.href === location.href) return;
  history.replaceState(history.state, "", at);
  document.dispatchEvent(new CustomEvent("e2lm-link"));
}
