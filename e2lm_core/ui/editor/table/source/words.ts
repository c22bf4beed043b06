/** The table's words: in English as they stand in the code, or in the page's language, which gives them. */

let words: Record<string, string> = {};
let isEnglish = true;

/** Take the page's translations, by the English text; none in English. */
export function speak(given: Record<string, string> = {}) {
  words = given;
  isEnglish = !Object.keys(given).length;
}

/** A text that is said where it is shown; `ui/editor/script_words.py` lists these and those of `say`. */
export const mark = <Text extends string>(text: Text): Text => text;

/** A text in the page's language, its `{names}` filled. */
export const say = (text: string, values: Record<string, string | number> = {}) =>
  (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** A whole number as the page writes it. */
export const whole = (number: number) => {
  const english = number.toLocaleString("en");
  return isEnglish ? english : english.replaceAll(",", "\u202f");
};
