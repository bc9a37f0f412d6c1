/** Sheets are for small screens; a desk should not have to load them. */
export { Sheet as default } from "@/shared/ui/sheet";
