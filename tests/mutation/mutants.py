"""Where a source can be made wrong by one small change, and the C++ text with every such change in it, to be chosen when the program runs."""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r'''//[^\n]*|/\*.*?\*/|R"\w*\(.*?\)\w*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|\#[^\n]*|[A-Za-z_]\w*|\d[\w'.]*
                       |->|::|<=>|\+\+|--|<<|[<>=!+\-*/%&|^]=|&&|\|\||\S''', re.S | re.X)
OPEN, CLOSE = '([{', ')]}'
# Words of which each may stand where another does: what is concluded, and how strictly a list is looked at.
FAMILIES = [['Verdict::Holds', 'Verdict::Fails', 'Verdict::Unknown'], ['Life::Dead', 'Life::Alive', 'Life::Unknown'],
            ['std::any_of', 'std::all_of', 'std::none_of']]
CALLS = [['holds', 'fails', 'unknown'], ['yes', 'no']]  # exchanged where the file has functions of these names
COMPARISONS = {'==': ['!='], '!=': ['=='], '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<']}


@dataclass
class Token:
    text: str
    begin: int
    end: int


@dataclass
class Function:
    name: str
    declaration: str
    arguments: list
    tokens: list  # of the body, braces included
    begin: int
    end: int


@dataclass
class Mutant:
    file: str
    function: Function
    line: int
    source: str  # the line's text
    what: str
    edits: list = field(default_factory=list)  # (begin, end, text), in the order of the text
    number: int = 0

    def __str__(self):
        return f'{self.file}:{self.line}: {self.what}'


def tokenize(text):
    found = (Token(m.group(), m.start(), m.end()) for m in TOKEN.finditer(text))
    return [t for t in found if not t.text.startswith(('//', '/*', '#'))]


def matching(tokens, at):
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i].text in OPEN) - (tokens[i].text in CLOSE)
        if depth == 0:
            return i
    raise ValueError(f'no end of {tokens[at].text} at {tokens[at].begin}')


def parameter_names(tokens):
    names, depth, ended = [], 0, False  # at the default value, if one is there
    for i, token in enumerate(tokens):
        depth += (token.text in '([{<') - (token.text in ')]}>')
        if depth == 0 and not ended and (i + 1 == len(tokens) or tokens[i + 1].text in (',', '=')):
            names.append(token.text)
            ended = i + 1 < len(tokens) and tokens[i + 1].text == '='
        ended = ended and not (depth == 0 and token.text == ',')
    return names


def functions_of(text):
    """The functions of a file, by the layout that they all have: at the level of a namespace, a body after a closing parenthesis."""
    tokens, found, start, i = tokenize(text), [], 0, 0
    while i < len(tokens):
        if tokens[i].text == '(':
            i = matching(tokens, i)
        if tokens[i].text == '{':
            head = tokens[start:i]
            if head and head[0].text == 'namespace':
                start = i = i + 1
                continue
            end = matching(tokens, i)
            if head and head[-1].text == ')':
                paren = next(k for k, token in enumerate(head) if token.text == '(')
                found.append(Function(head[paren - 1].text, text[head[0].begin:head[-1].end], parameter_names(head[paren + 1:-1]), tokens[i:end + 1],
                                      head[0].begin, tokens[end].end))
            i = end
        if tokens[i].text in (';', '}'):
            start = i + 1
        i += 1
    return found


def extent(tokens, at, step, stops):
    """How far the operand beside an operator goes: to a token of the same level that binds less."""
    depth, i = 0, at + step
    while 0 <= i < len(tokens):
        text = tokens[i].text
        opens, closes = (text in OPEN, text in CLOSE) if step > 0 else (text in CLOSE, text in OPEN)
        if depth == 0 and (closes or text in stops):
            break
        depth += opens - closes
        i += step
    return i - step


LOOSE = {';', ',', '?', ':', '=', 'return', '+='}


def mutants_of(file, text, skipped, first_number):
    result = []
    functions = functions_of(text)
    names = {f.name for f in functions}
    calls = [family for family in CALLS if names.issuperset(family)]
    for function in functions:
        if skipped(function.name):
            continue
        tokens = function.tokens

        def add(at, what, *edits):
            line = text.count('\n', 0, tokens[at].begin) + 1
            result.append(Mutant(file, function, line, text.splitlines()[line - 1].strip(), what, sorted(edits)))

        def words(first, last):
            return re.sub(r'\s+', ' ', text[tokens[first].begin:tokens[last].end])

        for at, token in enumerate(tokens):
            if token.text == 'if' and tokens[at + 1].text == '(':
                mutate_if(tokens, at, add, words)
            elif token.text in ('&&', '||') and text[token.begin - 1].isspace():
                stops = LOOSE | ({'||'} if token.text == '&&' else set())
                first, last = extent(tokens, at, -1, stops | {token.text}), extent(tokens, at, 1, stops | {token.text})
                other = '||' if token.text == '&&' else '&&'
                add(at, f'{words(first, last)}: {token.text} is {other}', (token.begin, token.end, other))
                # Of a chain each operand is dropped once: the one behind each operator, and the first of all.
                add(at, f'{words(at, last)}: dropped', (token.begin, tokens[last].end, ''))
                if first == extent(tokens, at, -1, stops):
                    add(at, f'{words(first, at)}: dropped', (tokens[first].begin, token.end, ''))
            elif token.text in COMPARISONS and text[token.begin - 1] == ' ' and text[token.end].isspace():
                stops = LOOSE | {'&&', '||'}
                whole = words(extent(tokens, at, -1, stops), extent(tokens, at, 1, stops))
                for other in COMPARISONS[token.text]:
                    add(at, f'{whole}: {token.text} is {other}', (token.begin, token.end, other))
            elif token.text == 'return' and tokens[at + 1].text in ('true', 'false'):
                other = 'false' if tokens[at + 1].text == 'true' else 'true'
                add(at, f'return {other}', (tokens[at + 1].begin, tokens[at + 1].end, other))
            else:
                exchange(tokens, at, calls, add)
    for number, mutant in enumerate(result, first_number):
        mutant.number = number
    return result


def mutate_if(tokens, at, add, words):
    close = matching(tokens, at + 1)
    first = max([i + 1 for i in range(at + 2, close) if tokens[i].text == ';' and extent(tokens, i, -1, set()) == at + 2], default=at + 2)
    inner = [token.text for token in tokens[first:close]]
    # A condition that declares something has no negation; that of a single comparison is the comparison exchanged.
    single = sum(text in ('==', '!=') for text in inner) == 1 and not {'&&', '||', '!', '['} & set(inner)
    if '=' not in inner and not single:
        add(at, f'{words(first, close - 1)}: negated', (tokens[first].begin, tokens[first].begin, '!('), (tokens[close - 1].end, tokens[close - 1].end, ')'))
    body = close + 1
    if tokens[body].text == '{':
        last = matching(tokens, body)
        statements = [i + 1 for i in range(body, last) if tokens[i].text in '{;}']
        returns = any(tokens[i].text == 'return' and matching_end(tokens, i) == last - 1 for i in statements)
    else:
        last, returns = matching_end(tokens, body), tokens[body].text == 'return'
    if returns and tokens[last + 1].text != 'else':
        add(at, f'{words(at, close)} return: removed', (tokens[at].begin, tokens[last].end, ';'))


def matching_end(tokens, at):
    return extent(tokens, at, 1, {';'}) + 1


def exchange(tokens, at, calls, add):
    """A scoped word (three tokens) or a call for the others of its family."""
    name = ''.join(token.text for token in tokens[at:at + 3])
    before = tokens[at - 1].text
    for family in FAMILIES:
        if name in family and before != 'case':
            for other in family:
                if other != name:
                    add(at, f'{name} is {other}', (tokens[at].begin, tokens[at + 2].end, other))
    for family in calls:
        if tokens[at].text in family and tokens[at + 1].text == '(' and before not in ('.', '->', '::'):
            for other in family:
                if other != tokens[at].text:
                    add(at, f'{tokens[at].text}() is {other}()', (tokens[at].begin, tokens[at].end, other))


def with_mutants(text, mutants):
    """The file with a copy of a function for each of its mutants, and a way into the chosen one. Also which lines each copy is on."""
    out, at, ranges = [], 0, []
    line = 1

    def put(piece):
        nonlocal line
        out.append(piece)
        line += piece.count('\n')

    for function in functions_of(text):
        own = [m for m in mutants if m.function.begin == function.begin]
        if not own:
            continue
        put(text[at:function.begin])
        if any(token.text == function.name for token in function.tokens):
            put(function.declaration + ';\n')
        for mutant in own:
            begin = line
            body, place = '', function.tokens[0].begin
            for first, last, replacement in mutant.edits:
                body += text[place:first] + replacement
                place = last
            head = re.sub(rf'\b{function.name}\(', f'{function.name}_mutant{mutant.number}(', function.declaration, count=1)
            put(f'{head} {body}{text[place:function.end]}\n')
            ranges.append((begin, line, mutant))
        arguments = ', '.join(f'std::forward<decltype({a})>({a})' for a in function.arguments)
        cases = ''.join(f'case {m.number}: return {function.name}_mutant{m.number}({arguments});\n' for m in own)
        first = function.tokens[0]
        put(f'{function.declaration} {{ switch (bottle_mutant({own[0].number})) {{\n{cases}}}\n')
        at = first.end
    put(text[at:])
    return ''.join(out), ranges
