/** What the last edit did to a question, in its row: the change of its margin, its curve before and after, cue words. */

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./row";
import type { Store } from "./store";
import { say } from "./words";

const PAD = 6;
const SCROLLED_MS = 300;  // what leaves the window so soon after a scroll was scrolled away

let isOwnScroll = false;

/** Scroll to an element; the event of that is nobody's scrolling away. */
function bring(element: HTMLElement) {
  isOwnScroll = true;
  element.scrollIntoView({ block: "nearest" });
  requestAnimationFrame(() => { isOwnScroll = false; }); // a frame's scroll events come before its callbacks
}

/** Scroll an element back that content above it, such as a run's line, has pushed out of the window; returns the end of it. */
function keepInSight(element: HTMLElement): () => void {
  let scrolled = -Infinity, wasIn = false;
  const note = () => { if (!isOwnScroll) scrolled = performance.now(); };
  const seen = new IntersectionObserver(([entry]) => {
    const isIn = entry!.intersectionRatio > 0.98;
    if (wasIn && !isIn && performance.now() - scrolled > SCROLLED_MS) bring(element);
    else wasIn = isIn;
  }, { threshold: 0.98 });
  seen.observe(element);
  addEventListener("scroll", note, { capture: true, passive: true });
  return () => { seen.disconnect(); removeEventListener("scroll", note, { capture: true }); };
}

export function Effect({ store, id }: { store: Store; id: string }) {
  const effect = store.effects.get(id), place = useRef<HTMLDivElement>(null);
  const isHere = store.cursor?.id === id && (!store.editing || store.editing.id === id);
  useEffect(() => {
    if (effect && isHere) bring(place.current!);
  }, [!effect, effect?.lines?.length, effect?.said]);
  useEffect(() => (effect && isHere ? keepInSight(place.current!) : undefined), [!effect, isHere]);
  if (!effect) return null;
  const [wide, high] = effect.box ?? [1, 1];
  return (
    <div class="qt-effect" ref={place} aria-label={say("What your last edit did")}>
      {effect.lines?.length ? (
        <svg viewBox={`0 ${-PAD} ${wide} ${high + 2 * PAD}`} preserveAspectRatio="none" role="img" aria-label={say("Its curve: before dotted, now solid")}>
          {effect.lines.map(([name, points]) => <polyline key={name} class={`qt-${name}`} points={points} vector-effect="non-scaling-stroke" />)}
        </svg>
      ) : null}
      <span class="qt-did">{effect.text}</span>
      {effect.running && <span>{effect.running}</span>}
      {effect.said && <span class={effect.warns ? "qt-warning" : ""}>{effect.said}</span>}
      {effect.ask && <button type="button" onClick={() => store.page.tell("cue_words", id)}><Icon name="quiz" />{say("Is it one word?")}</button>}
    </div>
  );
}
