/**
 * What the sample program keeps of a source text: its tokens, nested by their brackets, and each name with all its uses. This is the kind
 * of data that a compiler, a linter or an editor holds: trees with parent links, long lists, maps by name, and texts.
 *
 *     SourceText ── root: Group ── children: [ Token, Token, Group ── children: […] ]
 *         │                 ▲_______parent________________│
 *         └── lines: [offsets]           Token ── symbol ──> Symbol { name, uses: [Token, …] }  one per name, over all texts
 */

export interface Symbol {
  readonly name: string;
  readonly uses: Token[];
}

export class Token {
  readonly symbol: Symbol;
  readonly parent: Group;
  readonly line: number;
  readonly column: number;
  constructor(symbol: Symbol, parent: Group, line: number, column: number) {
    this.symbol = symbol;
    this.parent = parent;
    this.line = line;
    this.column = column;
  }
}

/** A string, a comment or a number: it has a text of its own, while the texts of most other tokens are shared. */
export class Literal {
  readonly text: string;
  readonly parent: Group;
  readonly line: number;
  constructor(text: string, parent: Group, line: number) {
    this.text = text;
    this.parent = parent;
    this.line = line;
  }
}

export class Group {
  readonly bracket: string;
  readonly parent: Group | undefined;
  readonly children: (Token | Literal | Group)[] = [];
  constructor(bracket: string, parent: Group | undefined) {
    this.bracket = bracket;
    this.parent = parent;
  }
}

export interface SourceText {
  readonly path: string;
  readonly lines: readonly number[];
  readonly root: Group;
}

/** Maps names to their uses, over all the texts that were added. */
export class SyntaxModel {
  readonly texts: SourceText[] = [];
  readonly symbols = new Map<string, Symbol>();
  /** Tokens, literals and groups so far. */
  size = 0;

  add(path: string, text: string): void {
    const lines = [0];
    const root = new Group('', undefined);
    let group = root;
    for (const { 0: lexeme, index } of text.matchAll(LEXEME)) {
      const line = lines.length;
      if (lexeme === '\n') {
        lines.push(index + 1);
        continue;
      }
      this.size++;
      if ('([{'.includes(lexeme)) {
        const inner = new Group(lexeme, group);
        group.children.push(inner);
        group = inner;
      } else if (')]}'.includes(lexeme)) {
        group = group.parent ?? root;
      } else if (LITERAL.test(lexeme)) {
        group.children.push(new Literal(lexeme, group, line));
      } else {
        group.children.push(this.#use(lexeme, group, line, index - (lines.at(-1) ?? 0)));
      }
    }
    this.texts.push({ path, lines, root });
  }

  #use(name: string, group: Group, line: number, column: number): Token {
    let symbol = this.symbols.get(name);
    if (symbol === undefined) this.symbols.set(name, (symbol = { name, uses: [] }));
    const token = new Token(symbol, group, line, column);
    symbol.uses.push(token);
    return token;
  }
}

/** Line ends, words, numbers, quoted texts, line comments; any other character by itself. Good enough for JavaScript, TypeScript and C. */
const LEXEME = /\n|[\p{L}_$][\p{L}\p{N}_$]*|\d[\w.]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\n]*|[^\s]/gu;
const LITERAL = /^(?:\d|"|'|\/\/)./;
