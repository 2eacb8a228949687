// Filters for the tables of operators.md; without scripts the page is the tables alone.
"use strict";
const place = document.getElementById("filters");
if (place) {
  const tables = [...document.querySelectorAll("table")].filter(one => one.tHead?.rows[0].cells[0].textContent === "target");
  const rows = tables.flatMap(table => {
    let heading = table;
    while (heading.tagName !== "H2") heading = heading.previousElementSibling ?? heading.parentElement;
    const pack = heading.textContent.split(":")[0];
    return [...table.tBodies[0].rows].map(row => {
      const [target, dtypes, dynamic, , declined] = [...row.cells].map(cell => cell.textContent.trim());
      return {row, pack, text: `${target} ${declined}`.toLowerCase(), dtypes: dtypes.split(" "), dynamic, declined};
    });
  });
  const unique = values => [...new Set(values)].filter(Boolean).sort();
  const choices = {
    pack: ["of all packs", unique(rows.map(row => row.pack)), (row, value) => row.pack === value],
    dtype: ["in any dtype", unique(rows.flatMap(row => row.dtypes)), (row, value) => row.dtypes.includes(value)],
    dynamic: ["of any sizes", ["with dynamic sizes"], row => row.dynamic === "yes"],
    declined: ["declined or not", ["never declined", "declined in some cases"], (row, value) => (value[0] === "n") === !row.declined],
  };
  const search = Object.assign(document.createElement("input"), {type: "search", placeholder: "a target or a reason"});
  search.setAttribute("aria-label", "search operators");
  const selects = Object.entries(choices).map(([name, [any, values]]) => {
    const select = Object.assign(document.createElement("select"), {name});
    select.setAttribute("aria-label", name);
    select.append(new Option(any, ""), ...values.map(value => new Option(value, value)));
    return select;
  });
  const count = document.createElement("output");
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of rows)
      one.row.hidden = !(words.every(word => one.text.includes(word))
        && selects.every(({name, value}) => !value || choices[name][2](one, value)));
    for (const table of tables) table.hidden = [...table.tBodies[0].rows].every(row => row.hidden);
    count.textContent = `${rows.filter(one => !one.row.hidden).length} of ${rows.length} targets`;
  };
  place.append(search, ...selects, count);
  for (const control of [search, ...selects]) control.addEventListener("input", show);
  show();
}
