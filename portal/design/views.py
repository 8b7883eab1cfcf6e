"""Shows every component in every state, in both languages; light, dark and forced colours are the browser's setting."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.design import examples
from portal.web import colours
from portal.web.languages import LANGUAGES, force_locale
from portal.web.security import demo_only
from portal.web.templates import COMPONENTS

design = Blueprint("design", __name__)
EXAMPLES = "design/"
# Words for the state before them make the rules for a pointer or the keyboard hold on the example.
_SHOWN = {"hover": "show-hover", "focus": "show-focus"}


def names() -> list[str]:
    """Give the names of all components."""
    found = current_app.jinja_env.list_templates(filter_func=lambda name: name.startswith(COMPONENTS))
    return sorted(name.removeprefix(COMPONENTS).removesuffix(".html") for name in found)


def states(name: str) -> list[dict[str, object]]:
    """Give each state of a component as it looks in each language; a state is a block of its file of examples."""
    drawn: dict[str, dict[str, Markup]] = {}
    for language in LANGUAGES:
        with force_locale(language):
            template = current_app.jinja_env.get_template(f"{EXAMPLES}{name}.html")
            given: dict[str, object] = {}
            current_app.update_template_context(given)
            context = template.new_context({**given, **examples.values(language, component=name)})
            for block, render in template.blocks.items():
                # Our own templates, escaped as on every page.
                html = Markup("".join(render(context)))  # noqa: S704
                drawn.setdefault(block, {})[language.replace("_", "-")] = html
    return [
        {
            "title": block.replace("_", " ").capitalize(),
            "shown": _SHOWN.get(block.partition("_")[0], ""),
            "languages": by_language,
        }
        for block, by_language in drawn.items()
    ]


@design.get("/design", endpoint="all")
@design.get("/design/<name>", endpoint="one")
@demo_only
def page(name: str | None = None) -> ResponseReturnValue:
    """Show all components, or one."""
    there = names()
    if not current_app.config["DEMO"] or (name is not None and name not in there):
        abort(404)
    chosen = [name] if name else there
    return render_template(
        "design.html",
        names=there,
        chosen=name,
        components=[(each, states(each)) for each in chosen],
        text_on=colours.TEXT_ON,
    )
