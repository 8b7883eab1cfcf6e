"""Page templates: one compiled set per language, with every fixed text and every component put in once.

A page has some thirty texts and twenty components. Looked up anew for each page they cost more than everything else on
it, so a text without values becomes part of the compiled template, and the macros of `templates/components` are there
under their names without an import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, MutableMapping
from functools import lru_cache, partial
from threading import Lock
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import StrictUndefined, Template, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]

from portal.web import addresses, formats, languages
from portal.web.security import masked_token

COMPONENTS = "components/"
# What stands around every page and is the same for all who see it under the same lender, path and debt.
FRAME = ("skip_link", "header", "footer", "idle_warning", "doors")
_TOKEN = "the forgery token of who sees it"  # noqa: S105 - stands where the token will be
_ONE_TEXT = ("_", "gettext")
# Flask-Babel's texts with a context of their own, which no template of ours has; calls here don't tell them theirs.
_ASKING_FOR_CONTEXT = ("pgettext", "npgettext")
_PLACE = re.compile(r"(?<!%)%\((\w+)\)s")


class ComponentNameTaken(Exception):
    """Two components have a macro of the same name."""


def _escaped(value: object) -> str:
    """Escape what a page shows; it is joined at once, so nobody has to be told that it is markup now, as Jinja does."""
    if type(value) is str:
        return _escape_inner(value)
    return value if type(value) is Markup else escape(value)


class PageCode(CodeGenerator):
    """How templates become Python: a macro is a function, and what a template calls is called at once.

    Jinja asks each thing first whether it wants to be told of its context; nothing that templates have here does.
    """

    def write_commons(self) -> None:
        """Begin a function of a template, with our way to escape."""
        super().write_commons()
        self.writeline("escape = environment.escaped")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802, FBT001, FBT002 - as in Jinja
        """Write a call."""
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for given in (*node.args, *node.kwargs):
            self.visit(given, frame)
            self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """Write what a macro is called as: what is left out takes the value that the macro says, as Jinja has it."""
        if macro_ref.accesses_kwargs or macro_ref.accesses_varargs or frame.eval_ctx.volatile:
            super().macro_def(macro_ref, frame)
            return
        names = [each.name for each in macro_ref.node.args]
        takes = [f"{name}=missing" for name in names]
        if macro_ref.accesses_caller and "caller" not in names:
            names.append("caller")
            takes.append("caller=undefined('No caller defined', name='caller')")
        made = f"_macro({', '.join(names)})"
        made = f"Markup({made})" if frame.eval_ctx.autoescape else made
        self.write(f"lambda {', '.join((*takes, '*', '_macro=macro'))}: {made}")


class PageTemplates(Environment):
    """The templates of the application; `get_template` gives them in the language of the page that is being made."""

    code_generator_class = PageCode
    escaped = staticmethod(_escaped)
    language: str | None = None

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(
            app,
            **{**options, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "cache_size": -1},
        )
        self._by_language: dict[str, PageTemplates] = {}
        # In one language, what was asked for by name alone; a page asks for its layouts too.
        self._found: dict[str, Template] = {}
        self._making = Lock()

    def in_language(self, language: str) -> PageTemplates:
        """Give the templates of one language; they are made when they are first asked for."""
        made = self._by_language.get(language)
        if made is None:
            with self._making:
                made = self._by_language.get(language) or self._made_for(language)
                self._by_language[language] = made
        return made

    def _made_for(self, language: str) -> PageTemplates:
        made = self.overlay()
        made.language = language
        made._found = {}
        made.filters = {**self.filters, **{f.__name__: partial(f, language=language) for f in formats.FILTERS}}
        made.globals = {
            **{name: each for name, each in self.globals.items() if name not in _ASKING_FOR_CONTEXT},
            "ngettext": partial(languages.translated_by_number, language=language),
            **{name: partial(languages.translated, language=language) for name in _ONE_TEXT},
        }
        macros: dict[str, Callable[..., str]] = {}
        for name in made.list_templates(filter_func=lambda name: name.startswith(COMPONENTS)):
            module = made.get_template(name).module
            for macro in (each for each in vars(module) if not each.startswith("_")):
                if macro in macros:
                    raise ComponentNameTaken(macro)
                macros[macro] = getattr(module, macro)
        made.globals.update(macros, **{name: _kept(macros[name]) for name in FRAME})
        return made

    def get_template(
        self, name: str | Template, parent: str | None = None, globals: MutableMapping[str, Any] | None = None
    ) -> Template:
        """Give a template in the language of the page."""
        if self.language is None:
            return self.in_language(languages.page_language()).get_template(name, parent, globals)
        if globals or self.auto_reload or not isinstance(name, str):
            return super().get_template(name, parent, globals)
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = super().get_template(name, parent)
        return found

    def from_string(
        self,
        source: str | nodes.Template,
        globals: MutableMapping[str, Any] | None = None,
        template_class: type[Template] | None = None,
    ) -> Template:
        """Give a template that is no file, in the language of the page."""
        if self.language is None:
            here = self.in_language(languages.page_language())
            return here.from_string(source, globals, template_class)
        return super().from_string(source, globals, template_class)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Give what every template has; one dictionary for all where a template adds nothing, which is copied fast."""
        return {**self.globals, **d} if d else self.globals

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed = super()._parse(source, name, filename)
        if self.language is not None:
            _PutTextsIn(partial(languages.text_of, language=self.language)).visit(parsed)
        return parsed


class _PutTextsIn(NodeTransformer):
    """Put the translated text where a template calls for it, and fill its values in there."""

    def __init__(self, text_of: Callable[[str], Markup]) -> None:
        self._text_of = text_of

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - the name that the visitor looks for
        self.generic_visit(node)
        node.nodes = [part for each in node.nodes for part in _parts(each)]
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the name that the visitor looks for
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name in _ONE_TEXT and len(node.args) == 1):
            return node
        text = node.args[0]
        if not isinstance(text, nodes.Const) or node.dyn_args or node.dyn_kwargs:
            return node
        found = self._text_of(text.value)
        if not node.kwargs:
            return nodes.Const(found % (), lineno=node.lineno)
        values = [nodes.Pair(nodes.Const(each.key), each.value, lineno=node.lineno) for each in node.kwargs]
        return nodes.Mod(nodes.Const(found), nodes.Dict(values, lineno=node.lineno), lineno=node.lineno)


def _parts(shown: nodes.Expr) -> Iterable[nodes.Expr]:
    """Take a text with values apart where it is shown: its pieces stand beside each value, which is escaped there."""
    if not isinstance(shown, nodes.Mod) or not isinstance(shown.left, nodes.Const):
        return (shown,)
    if not isinstance(shown.right, nodes.Dict) or not isinstance(shown.left.value, Markup):
        return (shown,)
    values = {pair.key.as_const(): pair.value for pair in shown.right.items}
    # Every second piece is the name of a value.
    pieces = _PLACE.split(shown.left.value)
    if any("%" in piece.replace("%%", "") for piece in pieces) or not values.keys() >= set(pieces[1::2]):
        return (shown,)
    return [
        values[piece] if number % 2 else nodes.Const(Markup(piece % ()), lineno=shown.lineno)  # noqa: S704 - our own texts
        for number, piece in enumerate(pieces)
    ]


def _kept(macro: Callable[..., str]) -> Callable[..., Markup]:
    """Make a macro without a body remember what it gave for the same values; only the forgery token is put in anew."""

    @lru_cache(maxsize=1024, typed=True)
    def made(_root: str, *values: object, **named: object) -> str:
        return str(macro(*values, **named)).replace(masked_token(), _TOKEN)

    def kept(*values: object, **named: object) -> Markup:
        text = made(addresses.root(), *values, **named)
        return Markup(text.replace(_TOKEN, masked_token()) if _TOKEN in text else text)  # noqa: S704 - from a macro

    return kept
