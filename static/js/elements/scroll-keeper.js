// Keeps a scrolling view where its reader wants it: at the end while the run grows, or at a block that a link names.
//
// Blocks get their height only when they are drawn, and bodies arrive after the skeleton, so one scroll is not enough:
// the aim holds, over all that grows above it, until the reader scrolls by himself.

const NEAR_END = 48;
const OWN_INPUT = ["wheel", "touchmove", "pointerdown", "keydown"];
const SETTLING_FRAMES = 12;

export class ScrollKeeper {
  /** `find` returns the element that is aimed at, or null; `follows` is told when the reader lets go or takes hold. */
  constructor(view, { find, follows }) {
    this.view = view;
    this.find = find;
    this.follows = follows;
    this.aimed = false;
    this.lastTop = 0;
    view.addEventListener("scroll", () => this.onScroll(), { passive: true });
    for (const name of OWN_INPUT) view.addEventListener(name, () => (this.aimed = false), { passive: true });
  }

  /** Hold on to the block that `find` returns. */
  aim() {
    this.aimed = true;
    this.settle(SETTLING_FRAMES);
  }

  /** Something was drawn; `end` asks for the newest. */
  drawn(end) {
    if (this.aimed) this.settle(SETTLING_FRAMES);
    else if (end) this.view.scrollTop = this.view.scrollHeight;
  }

  toTop() {
    if (!this.aimed) this.view.scrollTop = 0;
  }

  settle(frames) {
    if (!this.aimed || !this.view.isConnected) return;
    const block = this.withinList(this.find());
    if (block) {
      const margin = parseFloat(getComputedStyle(this.view).scrollPaddingTop) || 0;
      const off = block.getBoundingClientRect().top - this.view.getBoundingClientRect().top - margin;
      if (Math.abs(off) > 1) this.view.scrollTop += off;
    }
    cancelAnimationFrame(this.waiting);
    if (frames) this.waiting = requestAnimationFrame(() => this.settle(frames - 1));
  }

  /** What stands in a list that scrolls by itself is brought to its middle; then it is the list that is aimed at. */
  withinList(block) {
    const list = block?.closest("[data-scrolls]");
    if (!list) return block;
    const off = block.getBoundingClientRect().top - list.getBoundingClientRect().top;
    list.scrollTop += off - (list.clientHeight - block.offsetHeight) / 2;
    return list.parentElement;
  }

  /** Reading upwards lets go of the end; coming back to it takes hold again. */
  onScroll() {
    const { view } = this;
    const fromEnd = view.scrollHeight - view.scrollTop - view.clientHeight;
    if (!this.aimed && view.scrollTop < this.lastTop - 4 && fromEnd > NEAR_END) this.follows(false);
    else if (!this.aimed && fromEnd < 4) this.follows(true);
    this.lastTop = view.scrollTop;
  }
}
