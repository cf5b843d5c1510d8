"""Where operations are registered: one router for each half, as an address may have operations in several modules."""

from ninja import Router

training = Router()
prediction = Router()
