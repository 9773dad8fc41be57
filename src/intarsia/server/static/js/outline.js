/** The outline of a mask as a path between pixels, in the map's coordinates. */
export function outline(mask, width, height) {
  const path = new Path2D();
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  runs(width, height, (x, y) => at(x, y) !== at(x, y - 1), (from, to, y) => { path.moveTo(from, y); path.lineTo(to, y); });
  runs(height, width, (y, x) => at(x, y) !== at(x - 1, y), (from, to, x) => { path.moveTo(x, from); path.lineTo(x, to); });
  return path;
}

/** Stretches along each of the lines 0 .. across where `edge(along, line)` holds. */
function runs(along, across, edge, draw) {
  for (let line = 0; line <= across; line++) {
    for (let at = 0; at < along; at++) {
      if (!edge(at, line)) continue;
      const from = at;
      while (at < along && edge(at, line)) at++;
      draw(from, at, line);
    }
  }
}
