import { Link as RouterLink } from "@tanstack/react-router";
import type { ComponentProps, MouseEvent, Ref } from "react";
import { useOptionalWorkspace } from "./workspace";

type Props = Omit<ComponentProps<"a">, "href"> & {
  to: string;
  search?: Record<string, unknown>;
  hash?: string;
  replace?: boolean;
  ref?: Ref<HTMLAnchorElement>;
};

/** A link inside the app. With Mod or the middle button it opens a tab of ours in the background. */
export function Link({ to, search, hash, replace, onClick, onAuxClick, children, ...rest }: Props) {
  const workspace = useOptionalWorkspace();
  const inBackground = (event: MouseEvent<HTMLAnchorElement>) => {
    if (!workspace) return;
    event.preventDefault();
    const { pathname, search: query, hash: fragment } = event.currentTarget;
    workspace.open(pathname + query + fragment, "background");
  };
  return (
    <RouterLink
      to={to}
      search={search as never}
      hash={hash}
      replace={replace}
      preload="intent"
      {...rest}
      onClick={(event) => {
        onClick?.(event);
        if (!event.defaultPrevented && (event.ctrlKey || event.metaKey)) inBackground(event);
      }}
      onAuxClick={(event) => {
        onAuxClick?.(event);
        if (!event.defaultPrevented && event.button === 1) inBackground(event);
      }}
    >
      {children}
    </RouterLink>
  );
}

export const textLinkClass = "rounded-xs text-primary-text underline-offset-4 hover:underline";

/** Inside a sentence a link is underlined, because its colour alone does not tell it from the words around it. */
export const inTextLinkClass = `${textLinkClass} underline decoration-border-strong hover:decoration-current`;
