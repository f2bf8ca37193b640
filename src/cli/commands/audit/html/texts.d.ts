// Files that are bundled as text: see scripts/texts.mjs.
declare module "*?raw" {
  const text: string;
  export default text;
}
