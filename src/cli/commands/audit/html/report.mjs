// The script of the report: sorts and searches the tables of users, which are all there without it.
const collator = new Intl.Collator("en", { numeric: true });
/** So many users are shown first: to lay out thousands takes a second. All are printed. */
const firstShown = 100;

/** What a cell is sorted by: its number, or its text. */
function readKey(cell) {
  const number = cell.dataset.sort;
  return number === undefined ? cell.textContent : Number(number);
}

const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));

/** @param section the users of an account */
function enliven(section) {
  const table = section.querySelector("table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  let limit = firstShown;
  /** In the order in which they are shown. The page is touched only where the state of a row changes. */
  let rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase(), state: "shown" }));

  function sort(column) {
    const head = heads[column];
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const keys = readKeys(column);
    rows = rows.toSorted((a, b) => sign * compare(keys.get(a.row), keys.get(b.row)));
    show();
  }

  const keysOf = new Map();
  /** They are read once: reading them takes as long as sorting. */
  function readKeys(column) {
    const keys = keysOf.get(column) ?? new Map(rows.map(({ row }) => [row, readKey(row.cells[column])]));
    keysOf.set(column, keys);
    return keys;
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });

  const search = section.querySelector(".search");
  const input = search.querySelector("input");
  const found = search.querySelector("[role=status]");

  const more = document.createElement("button");
  more.type = "button";
  more.className = "more";
  table.parentElement.after(more);

  /** Shows the rows that have every word, in order: the first of them, until all are asked for. */
  function show() {
    const words = input.value.toLowerCase().split(/\s+/);
    const shown = [];
    let count = 0;
    for (const each of rows) {
      const { row, text } = each;
      const state = !words.every((word) => text.includes(word)) ? "hidden" : ++count <= limit ? "shown" : "later";
      if (state === "shown") shown.push(row);
      if (state === each.state) continue;
      row.hidden = state === "hidden";
      row.classList.toggle("later", state === "later");
      each.state = state;
    }
    // Only these are put in order: to move all rows takes the time for which the others are hidden.
    body.prepend(...shown);
    found.textContent = `${count} of ${rows.length}`;
    more.hidden = count <= limit;
    more.textContent = `Show all ${count}`;
  }

  more.addEventListener("click", () => {
    limit = Number.POSITIVE_INFINITY;
    show();
  });
  window.addEventListener("beforeprint", () => body.append(...rows.map(({ row }) => row)));
  input.addEventListener("input", show);
  search.hidden = false;
  show();
}

for (const section of document.querySelectorAll(".people")) enliven(section);
