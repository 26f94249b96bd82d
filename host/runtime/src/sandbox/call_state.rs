//! The state that capabilities keep while one call runs, for example the names that they have looked up.
//!
//! Each capability finds its own state by its type, so the sandbox does not have to know which capabilities exist.

use std::any::Any;

/// At most one value of each type.
#[derive(Debug, Default)]
pub(crate) struct CallState(Vec<Box<dyn Any + Send + Sync>>);

impl CallState {
    /// Keeps a value, and replaces an earlier one of its type.
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.take::<T>();
        self.0.push(Box::new(value));
    }

    /// The value of that type.
    pub(crate) fn get_mut<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        self.0.iter_mut().find_map(|value| value.downcast_mut())
    }

    /// The value of that type; its default if there is none yet.
    pub(crate) fn get_or_default<T: Any + Default + Send + Sync>(&mut self) -> &mut T {
        let place = self.0.iter().position(|value| value.is::<T>()).unwrap_or_else(|| {
            self.0.push(Box::new(T::default()));
            self.0.len() - 1
        });
        #[expect(clippy::expect_used, reason = "the value in that place is of that type")]
        self.0.get_mut(place).and_then(|value| value.downcast_mut()).expect("a value of the type that was looked for")
    }

    /// Takes the value of that type out.
    pub(crate) fn take<T: Any + Send + Sync>(&mut self) -> Option<T> {
        let place = self.0.iter().position(|value| value.is::<T>())?;
        #[expect(clippy::expect_used, reason = "the value in that place is of that type")]
        let value = self.0.swap_remove(place).downcast().expect("a value of the type that was looked for");
        Some(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_type_and_the_last_one_counts() {
        let mut state = CallState::default();
        state.insert(1_u32);
        state.insert("text");
        state.insert(2_u32);
        assert_eq!(state.get_mut::<u32>(), Some(&mut 2));
        assert_eq!(state.take::<u32>(), Some(2));
        assert_eq!(state.take::<u32>(), None);
        assert_eq!(state.get_mut::<&str>(), Some(&mut "text"));
    }
}
