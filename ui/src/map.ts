import land from "world-atlas/land-110m.json";
import { button, words } from "./words";

type Point = [number, number];
const SVG = "http://www.w3.org/2000/svg";

/** The coasts of a topology: arcs are steps from point to point, and rings are arcs in a row. */
function coasts(): string {
  const { scale, translate } = land.transform as { scale: Point; translate: Point };
  const arcs = (land.arcs as Point[][]).map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]): Point => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
  });
  const rings = land.objects.land.geometries.flatMap((one) => one.arcs as number[][][]).flat();
  return rings.map((ring) => path(ring.flatMap((n) => (n < 0 ? [...(arcs[~n] ?? [])].reverse() : (arcs[n] ?? []))))).join("");
}

/** A closed line; one that crosses the edge of the map goes on at the other side, without a line between. */
function path(points: Point[]): string {
  let before = points[0]?.[0] ?? 0;
  const steps = points.map(([x, y], n) => {
    const step = n === 0 ? "M" : Math.abs(x - before) > 180 ? "ZM" : "L";
    before = x;
    return `${step}${x.toFixed(2)},${(-y).toFixed(2)}`;
  });
  return `${steps.join("")}Z`;
}

function part(kind: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** A map beside the text of an element: what is drawn is written, what is written is drawn. */
export function start(element: HTMLElement): void {
  const field = element.querySelector<HTMLInputElement | HTMLTextAreaElement>("input, textarea");
  if (!field) return;
  const say = words(element);
  const box = element.dataset["kind"] === "box";
  const map = part("svg", { class: "map", role: "img", "aria-label": say("map") }) as SVGSVGElement;
  const shape = part("path", { class: "chosen" });
  const lines = [...Array(11).keys()].map((n) => `M${-150 + 30 * n},-90V90`).join("") + [-60, -30, 0, 30, 60].map((y) => `M-180,${y}H180`).join("");
  map.append(part("path", { class: "land", d: coasts() }), part("path", { class: "grid", d: lines }), shape);
  let view = { x: -180, y: -90, width: 360 };
  const show = () => map.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.width / 2}`);
  const zoom = (by: number) => {
    const width = Math.min(360, Math.max(2, view.width * by));
    const [cx, cy] = [view.x + view.width / 2, view.y + view.width / 4];
    view = { x: cx - width / 2, y: cy - width / 4, width };
    show();
  };
  const whole = () => ((view = { x: -180, y: -90, width: 360 }), show());
  const drawn = () => shape.setAttribute("d", box ? ofBox(field.value) : ofGeometry(field.value));
  drag(map, (from, to) => {
    field.value = box ? corners(from, to).join(", ") : geometry(from, to);
    field.dispatchEvent(new Event("change", { bubbles: true }));
    drawn();
  });
  field.addEventListener("input", drawn);
  show();
  drawn();
  const bar = document.createElement("p");
  bar.append(button(say("larger"), () => zoom(0.5)), button(say("smaller"), () => zoom(2)), button(say("whole"), whole));
  element.append(map, bar);
}

/** Tell where the pointer went down and where it is, until it goes up. */
function drag(map: SVGSVGElement, tell: (from: Point, to: Point) => void): void {
  let from: Point | null = null;
  const at = (event: PointerEvent): Point => {
    const matrix = map.getScreenCTM()?.inverse();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [round(Math.max(-180, Math.min(180, x))), round(Math.max(-90, Math.min(90, -y)))];
  };
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    from = at(event);
  });
  map.addEventListener("pointermove", (event) => from && tell(from, at(event)));
  map.addEventListener("pointerup", (event) => {
    if (from) tell(from, at(event));
    from = null;
  });
}

const round = (number: number) => Math.round(number * 100) / 100;

function corners(a: Point, b: Point): [number, number, number, number] {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

function rectangle([west, south, east, north]: number[]): Point[] {
  return [[west ?? 0, south ?? 0], [east ?? 0, south ?? 0], [east ?? 0, north ?? 0], [west ?? 0, north ?? 0], [west ?? 0, south ?? 0]];
}

/** A point where nothing was drawn over, else a rectangle, as GeoJSON. */
function geometry(from: Point, to: Point): string {
  const same = from[0] === to[0] && from[1] === to[1];
  return JSON.stringify(same ? { type: "Point", coordinates: to } : { type: "Polygon", coordinates: [rectangle(corners(from, to))] });
}

function ofBox(text: string): string {
  const numbers = text.split(/[\s,]+/).filter(Boolean).map(Number);
  const four = numbers.length === 6 ? [numbers[0], numbers[1], numbers[3], numbers[4]] : numbers;
  return four.length === 4 && four.every((one) => Number.isFinite(one)) ? path(rectangle(four as number[])) : "";
}

/** Every line, ring and point that stands in a GeoJSON text, however deep. */
function ofGeometry(text: string): string {
  try {
    return pieces((JSON.parse(text) as { coordinates?: unknown }).coordinates).join("");
  } catch {
    return "";
  }
}

function pieces(coordinates: unknown): string[] {
  if (!Array.isArray(coordinates)) return [];
  if (typeof coordinates[0] === "number") {
    const [x, y] = coordinates as Point;
    return [path([[x - 1, y], [x, y + 1], [x + 1, y], [x, y - 1]])];
  }
  const points = coordinates as Point[];
  return typeof points[0]?.[0] === "number" ? [path(points)] : coordinates.flatMap(pieces);
}
