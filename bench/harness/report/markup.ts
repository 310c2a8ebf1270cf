/** Markup of the report: text, tables, sections. */

export type Cell = string | number;

/** A page with a table of a million rows is of no use to anybody. */
const MOST_ROWS = 400;

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

export function section(id: string, title: string, description: string, content: string): string {
  return `<section id="${id}"><h2>${escaped(title)}</h2><p>${escaped(description)}</p>${content}</section>`;
}

/** The last cell of a row that is too short takes the rest of it. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const heads = head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('');
  const body = rows
    .slice(0, MOST_ROWS)
    .map((cells) => `<tr>${cells.map((cell, i) => tableCell(cell, i, cells.length, head.length)).join('')}</tr>`);
  const more = rows.length - MOST_ROWS;
  const note = more > 0 ? `<p>${more} more rows are in the folder of results.</p>` : '';
  return `<div class="table" tabindex="0"><table><thead><tr>${heads}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>${note}`;
}

function tableCell(cell: Cell, index: number, count: number, columns: number): string {
  const span = index === count - 1 && count < columns ? ` colspan="${columns - index}"` : '';
  return `<td${span}>${escaped(String(cell))}</td>`;
}
