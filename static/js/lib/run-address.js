// The state of the run page that stands in its URL, so that a link or a reload shows the same. Pure.

/** Allowed values, the default first; an empty list: any text, none by default. */
const FIELDS = {
  span: [],
  view: ["tree", "timeline", "errors"],
  kind: ["", "step", "model_call", "execution", "sub_call", "tool_call"],
  find: [],
  show: ["cells", "transcript", "raw"],
  at: [],
  tab: [],
};
const LONGEST = 200;

/** Read `location.search`; what is not understood is the default. */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  const state = {};
  for (const [name, values] of Object.entries(FIELDS)) {
    const value = (given.get(name) || "").slice(0, LONGEST);
    state[name] = !values.length || values.includes(value) ? value || values[0] || "" : values[0];
  }
  return state;
}

/** Write the state into a URL, without defaults; what else stands in the query stays. */
export function writeAddress(href, state) {
  const url = new URL(href);
  for (const [name, values] of Object.entries(FIELDS)) {
    const value = state[name] || "";
    if (value && value !== values[0]) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  return url.href;
}

/** The link to one span, cell or message, and to the view that shows it. */
export function linkTo(href, { span = "", show = "", at = "" }) {
  const url = new URL(href);
  url.search = "";
  url.hash = "";
  return writeAddress(url.href, { span, show, at: String(at || "") });
}
