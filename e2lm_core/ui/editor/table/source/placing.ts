/** Where the table stands in its page. A page that is laid out anew moves it: what had the focus has it again, what
 * was scrolled stands where it stood, and a button that was pressed is clicked. A browser forgets the first two of
 * what is taken out, if only for a moment, and the click of what moves between press and release. */

import type { Store } from "./store";

const STILL_PX = 4; // a pointer that goes farther takes the press back

export class Placing {
  private held: HTMLElement | null = null;
  private inRows = false;
  private scrolled = new Map<Element, number>();

  constructor(private element: HTMLElement, private store: Store) {
    element.addEventListener("focusin", (event) => {
      this.held = event.target as HTMLElement;
      this.inRows = !!this.held.closest(".qt-list");
    });
    // Who goes elsewhere leaves the table where it is. What is taken out says the same, and is out by then.
    element.addEventListener("focusout", () => queueMicrotask(() => {
      if (element.isConnected && !element.contains(document.activeElement)) this.held = null;
    }));
    element.addEventListener("scroll", (event) => {
      const at = event.target as Element;
      if (element.isConnected) this.scrolled.set(at, at.scrollTop);
    }, true);
    element.addEventListener("pointerdown", (event) => this.press(event));
  }

  /** A button is clicked when the pointer that pressed it is released where it was, wherever the button is by then. */
  private press({ target, pointerType, button: which, clientX, clientY }: PointerEvent) {
    const button = (target as Element).closest("button");
    if (!button || which || pointerType !== "mouse") return;
    let isClicked = false;
    const clicked = () => { isClicked = true; };
    const over = new AbortController(), { signal } = over, early = { capture: true, signal };
    button.addEventListener("click", clicked);
    const ended = () => { over.abort(); button.removeEventListener("click", clicked); };
    window.addEventListener("pointerup", (event) => {
      over.abort();
      setTimeout(() => {
        ended();
        const isStill = Math.hypot(event.clientX - clientX, event.clientY - clientY) <= STILL_PX;
        if (!isClicked && isStill && button.isConnected) button.click();
      });
    }, early);
    for (const other of ["pointercancel", "pointerdown"]) window.addEventListener(other, ended, early); // a press that has no release
  }

  /** Put the table there; true where it was elsewhere. */
  into(parent: HTMLElement): boolean {
    const { element } = this;
    if (element.parentElement === parent) return false;
    const held = this.held, scrolled = [...this.scrolled];
    parent.replaceChildren(element);
    for (const [at, top] of scrolled)
      if (element.contains(at)) at.scrollTop = top;
      else this.scrolled.delete(at);
    const nobody = !document.activeElement || document.activeElement === document.body;
    if (!held || !nobody) return true;
    if (element.contains(held)) held.focus({ preventScroll: true });
    else if (this.inRows) this.store.wantsFocus = true; // rows that were out of sight are drawn anew
    return true;
  }
}
