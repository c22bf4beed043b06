/** Where the table stands in its page. A page that is laid out anew moves it: what had the focus has it again, and
 * what was scrolled stands where it stood. A browser forgets both of what is taken out, if only for a moment. */

import type { Store } from "./store";

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
