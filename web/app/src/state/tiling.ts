/* How tiles of one shape fill a stage best. */
export interface Tiling {
  readonly columns: number;
  readonly rows: number;
  readonly width: number; // of a tile, without gaps
  readonly height: number;
}

/* Cameras give 16:9. A tile may be narrower, down to a square on an upright stage: better a picture
 * cut at its sides than a stage half empty. */
const WIDEST = 16 / 9;
const narrowest = (width: number, height: number): number => (width < height ? 1 : 4 / 3);
const NARROWEST = 150; // below that a name cannot be read
export const LIMIT_TILES = 25; // on one page: what the switch is asked for at once

/** The largest tiles with which `n` fit into width x height. */
export function tile(n: number, width: number, height: number, gap: number): Tiling {
  let best: Tiling = { columns: 1, rows: Math.max(n, 1), width: 0, height: 0 };
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const roomX = (width - gap * (columns - 1)) / columns;
    const roomY = (height - gap * (rows - 1)) / rows;
    const w = Math.floor(Math.min(roomX, roomY * WIDEST));
    const h = Math.floor(Math.min(roomY, w / narrowest(width, height)));
    if (w > 0 && w * h > best.width * best.height) best = { columns, rows, width: w, height: h };
  }
  return best;
}

/** How many tiles a page of this size holds. */
export function capacity(width: number, height: number, gap: number): number {
  let n = LIMIT_TILES;
  while (n > 1 && tile(n, width, height, gap).width < NARROWEST) n--;
  return n;
}
