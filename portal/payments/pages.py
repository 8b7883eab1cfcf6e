"""The pages of payments belong to this blueprint."""

from __future__ import annotations

from flask import Blueprint

payments = Blueprint("payments", __name__)
