/** What the last edit did to a question, in its row: the change of its margin, its curve before and after, cue words. */

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./row";
import type { Store } from "./store";
import { say } from "./words";

const PAD = 6;

export function Effect({ store, id }: { store: Store; id: string }) {
  const effect = store.effects.get(id), place = useRef<HTMLDivElement>(null);
  const isHere = store.cursor?.id === id && (!store.editing || store.editing.id === id);
  useEffect(() => {
    if (effect && isHere) place.current!.scrollIntoView({ block: "nearest" });
  }, [!effect, effect?.lines?.length, effect?.said]);
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
      {effect.said && <span class={effect.said.startsWith("Cue words") ? "qt-warning" : ""}>{effect.said}</span>}
      {effect.ask && <button type="button" onClick={() => store.page.tell("cue_words", id)}><Icon name="quiz" />{say("Is it one word?")}</button>}
    </div>
  );
}
