"""Every page of a plan, by subject: asking, a budget, answering, agreeing, and the plan that stands."""

from __future__ import annotations

from portal.plans import agreement_pages, answer_pages, asking_pages, budget_pages, plan_pages
from portal.plans.pages import plans

__all__ = ["agreement_pages", "answer_pages", "asking_pages", "budget_pages", "plan_pages", "plans"]
