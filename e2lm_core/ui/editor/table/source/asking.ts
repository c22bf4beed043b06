/** Asking the server: one request after another, again and again where it does not answer. */

import type { Answer, Given } from "./types";
import { say } from "./words";

export class Unreachable extends Error {}

/** What is said goes out in its order; a request that finds no server waits until there is one. */
export class Server {
  private last: Promise<unknown> = Promise.resolve();
  away = false;

  constructor(
    private given: () => Given,
    private since: () => string | null,
    private noted: () => void,
  ) {}

  /** What is asked is read when its turn comes: an answer before it may have changed what this table has seen. */
  ask(body: () => Record<string, unknown>): Promise<Answer> {
    const turn = this.last.then(() => this.tried(body));
    this.last = turn.catch(() => null);
    return turn;
  }

  private async tried(body: () => Record<string, unknown>): Promise<Answer> {
    for (;;) {
      try {
        const answer = await this.once(body);
        this.setAway(false);
        return answer;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        this.setAway(true);
        await new Promise((again) => setTimeout(again, this.given().again_ms));
      }
    }
  }

  private async once(body: () => Record<string, unknown>): Promise<Answer> {
    const { url, pass } = this.given(), asked = Date.now();
    const said = JSON.stringify({ ...body(), pass, since: this.since() });
    let answer: Response;
    try {
      answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: said,
        credentials: "same-origin",
      });
    } catch {
      throw new Unreachable();
    }
    if (answer.status >= 502 && answer.status <= 504) throw new Unreachable();
    if (!answer.ok) {
      const why = (await answer.text()).slice(0, 200);
      throw new Error(why || say("The server answers {status}: reload the page.", { status: answer.status }));
    }
    try {
      return { ...(await answer.json()), asked };
    } catch {
      throw new Unreachable(); // cut short
    }
  }

  setAway(away: boolean) {
    if (away !== this.away) {
      this.away = away;
      this.noted();
    }
  }
}

/** What came of a draft: the server has it, or its form was saved or discarded, or it refuses it, or was not found. */
export type Sent = "kept" | "over" | "refused" | "lost";

/** Drafts on their way, one after another for each place; the newest replaces what has not left yet. */
export class Drafts {
  private under = new Map<string, Promise<Sent>>();

  constructor(private given: () => Given, private refused: (sentence: string) => void) {}

  send(place: string, form: string, fields: object, seen: object, leaving = false): Promise<Sent> {
    const { drafts, pass } = this.given();
    const body = JSON.stringify({ pass, place, form, turn: Date.now(), fields, seen, view: "Table" });
    const post = async (): Promise<Sent> => {
      try {
        const answer = await fetch(drafts, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
          keepalive: body.length < 60000,
          credentials: "same-origin",
        });
        if (answer.status === 204) return "kept";
        if (answer.status >= 502 && answer.status <= 504) return "lost";
        if (answer.ok) return (await answer.json()).over ? "over" : "refused";
        if (answer.status !== 403) this.refused((await answer.json()).sentence);
        return "refused";
      } catch {
        return "lost"; // the tab keeps it meanwhile
      }
    };
    const sent = leaving ? post() : (this.under.get(place) ?? Promise.resolve()).then(post);
    this.under.set(place, sent);
    return sent;
  }

  async settled(place: string): Promise<void> {
    await this.under.get(place);
  }
}

export const newForm = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
