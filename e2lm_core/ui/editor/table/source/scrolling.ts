/** The rows in sight of a list whose rows are as high as their text: 15,000 questions cost what twenty do. */

import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useCallback, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import type { Store } from "./store";

const LINE_PX = 22, PAD_PX = 44;

export function useRows(list: RefObject<HTMLDivElement>, ids: string[], store: Store) {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  // The same as long as the rows are: a new one has all rows measured anew.
  const getItemKey = useCallback((index: number) => ids[index], [ids]);
  const options = {
    count: ids.length,
    getScrollElement: () => list.current,
    getItemKey,
    estimateSize: (index: number) => {
      const question = store.rows.get(ids[index]);
      const width = (list.current?.clientWidth || 1100) / 2 / 7.4; // letters a line
      if (!question) return 4 * LINE_PX;
      const lines = Math.max(Math.ceil(question.question.length / width) + 1, Math.ceil(question.choices.length / 2) * Math.ceil(Math.max(0, ...question.choices.map((c) => c.length)) * 2.2 / width) * 1.3);
      return PAD_PX + lines * LINE_PX;
    },
    overscan: 6,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    // A row that is typed in stays, wherever one scrolls, and so does the one that has the focus: else keys are dead.
    rangeExtractor: (range: { startIndex: number; endIndex: number; overscan: number; count: number }) => {
      const found = new Set<number>();
      for (let i = Math.max(0, range.startIndex - range.overscan); i <= Math.min(range.count - 1, range.endIndex + range.overscan); i += 1) found.add(i);
      for (const held of [store.editing, store.cursor]) {
        const at = held ? ids.indexOf(held.id) : -1;
        if (at >= 0) found.add(at);
      }
      return [...found].sort((a, b) => a - b);
    },
    onChange: () => draw(0),
  };
  const kept = useRef<Virtualizer<HTMLDivElement, HTMLDivElement>>();
  const rows = (kept.current ??= new Virtualizer<HTMLDivElement, HTMLDivElement>(options));
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), []);
  useLayoutEffect(() => rows._willUpdate());
  return {
    items: rows.getVirtualItems(),
    height: rows.getTotalSize(),
    measure: rows.measureElement as (node: HTMLDivElement | null) => void,
    show: (index: number, align: "auto" | "center" = "auto") => {
      if (index >= 0) rows.scrollToIndex(index, { align });
    },
  };
}
