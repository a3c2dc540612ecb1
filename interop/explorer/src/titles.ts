/** Titles from a table dropped beside a model: CSV with the columns item_id and title. */

/** Reads the titles; throws an error of one line. */
export function parseTitles(text: string, place: string): Map<string, string> {
  const rows = parseCsv(text.startsWith("\ufeff") ? text.slice(1) : text);
  const header = rows[0] ?? [];
  const id = header.indexOf("item_id");
  const title = header.indexOf("title");
  if (id < 0 || title < 0) {
    throw new Error(`${place}: expected a header with item_id and title, got ${header.join(",")}`);
  }
  return new Map(
    rows
      .slice(1)
      .map((row): [string, string] => [row[id] ?? "", row[title] ?? ""])
      .filter(([, name]) => name !== ""),
  );
}

/** RFC 4180, also with line feeds alone. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r\n|\n|\r|$)/y;
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    if (found === null) {
      throw new Error(`line ${rows.length + 1}: expected a closed quote, got none`);
    }
    row.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] !== ",") {
      rows.push(row);
      row = [];
    }
  }
  if (row.length > 0) {
    rows.push([...row, ""]); // a comma at the very end
  }
  return rows;
}
