/** What is typed and not with the server yet, kept in the tab: a reload has it again. */

import type { Field, Typed } from "./types";

const box = (task: string) => `e2lm-table ${task}`;

export function keepInTab(task: string, typed: Map<string, Map<Field, Typed>>) {
  const own = [...typed].map(([id, fields]) => [id, [...fields].filter(([, one]) => !one.kept)] as const);
  const left = own.filter(([, fields]) => fields.length);
  try {
    if (left.length) sessionStorage.setItem(box(task), JSON.stringify(left));
    else sessionStorage.removeItem(box(task));
  } catch {
    /* too long for the tab */
  }
}

export function leftInTab(task: string): Map<string, Map<Field, Typed>> {
  const typed = new Map<string, Map<Field, Typed>>();
  try {
    const left: [string, [Field, Typed][]][] = JSON.parse(sessionStorage.getItem(box(task)) ?? "[]");
    for (const [id, fields] of left) typed.set(id, new Map(fields.map(([field, one]) => [field, { ...one, state: "typed", left: true }])));
  } catch {
    sessionStorage.removeItem(box(task));
  }
  return typed;
}
