/** The build for browsers that are a few years old has the same interface, and says so to nobody. */
declare module "pdfjs-dist/legacy/build/pdf.min.mjs" {
  export * from "pdfjs-dist";
}
