/** The file system as configuration needs it: reading what is named, looking at what must be there. */

export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly missing: boolean; readonly why: string };

export type FileKind = {
  readonly kind: 'file' | 'directory' | 'other';
  readonly executable: boolean;
};

export type Files = {
  readonly read: (path: string) => FileText;
  /** null: there is nothing there, or it cannot be seen. */
  readonly stat: (path: string) => FileKind | null;
};

/** Files given as text, for tests and for what is not on a disk. */
export const filesOf = (
  texts: { readonly [path: string]: string },
  programs: readonly string[] = [],
): Files => ({
  read: (path) => {
    const text = texts[path];
    return text === undefined ? { ok: false, missing: true, why: 'no such file' } : { ok: true, text };
  },
  stat: (path) => {
    if (programs.includes(path)) return { kind: 'file', executable: true };
    if (Object.hasOwn(texts, path)) return { kind: 'file', executable: false };
    const below = `${path}/`;
    const directory = [...Object.keys(texts), ...programs].some((name) => name.startsWith(below));
    return directory ? { kind: 'directory', executable: true } : null;
  },
});
