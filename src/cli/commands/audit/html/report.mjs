// The script of the report: sorts and searches the table of users, which is all there without it.
const table = document.querySelector("#users table");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const collator = new Intl.Collator("en", { numeric: true });
const rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase() }));

/** What a cell is sorted by: its number, or its text. */
function readKey(cell) {
  const number = cell.dataset.sort;
  return number === undefined ? cell.textContent : Number(number);
}

const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));

function sort(column) {
  const head = heads[column];
  const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const each of heads) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  const keyed = rows.map((each) => ({ each, key: readKey(each.row.cells[column]) }));
  keyed.sort((a, b) => sign * compare(a.key, b.key));
  body.append(...keyed.map(({ each }) => each.row));
}

heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sort(column));
  head.append(button);
});

const search = document.querySelector(".search");
const input = search.querySelector("input");
const found = search.querySelector("[role=status]");

/** Rows that have every word. */
function filter() {
  const words = input.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const { row, text } of rows) {
    const matches = words.every((word) => text.includes(word));
    row.hidden = !matches;
    if (matches) count++;
  }
  found.textContent = `${count} of ${rows.length}`;
}

input.addEventListener("input", filter);
search.hidden = false;
filter();
