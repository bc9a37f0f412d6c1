import {
  BookOpen,
  Drama,
  FileSearch,
  Folder as FolderIcon,
  IdCard,
  MessagesSquare,
  Table2,
  UserSearch,
} from "lucide-react";
import type { IconType } from "../ui/icons";
import type { Colour, Kind, Thing } from "./api";

export const kindIcons: Record<Kind, IconType> = {
  chat: MessagesSquare,
  private_gpt: FileSearch,
  extraction: Table2,
  cv_matcher: UserSearch,
  resume: IdCard,
  tell_me_life: BookOpen,
  roleplay: Drama,
};

export const iconOf = (thing: Thing): IconType => (thing.sort === "folder" ? FolderIcon : kindIcons[thing.kind]);

/** One lightness for all, which both themes bear at three to one. */
const tones: Record<Colour, string> = {
  grey: "0.6 0.01 205",
  red: "0.6 0.16 27",
  orange: "0.62 0.14 50",
  yellow: "0.64 0.125 85",
  green: "0.6 0.13 145",
  teal: "0.6 0.095 186",
  blue: "0.6 0.13 250",
  violet: "0.6 0.15 300",
  pink: "0.61 0.16 350",
};

export const colours = Object.keys(tones) as Colour[];

export const paint = (colour: Colour | null): string | undefined => (colour ? `oklch(${tones[colour]})` : undefined);
