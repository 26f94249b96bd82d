//! Who counts in which role, when somebody approved in several and may count in one only.

/// Gives as many places as possible to people, one place each.
///
/// `places` holds for each role how many people it takes, `fits` for each person the indices of the roles in which they
/// approved. Answers, for each person, the index of the role they count in. Taking people in their order and giving them
/// the first free place would leave places empty that could be filled: if one person fits two roles and another only
/// the first, the first person must take the second role. So whoever has a place moves on if they can.
pub(crate) fn assign(places: &[u32], fits: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut assigned = vec![None; fits.len()];
    for person in 0..fits.len() {
        let mut tried = vec![false; places.len()];
        place(person, places, fits, &mut assigned, &mut tried);
    }
    assigned
}

/// Finds a place for the person, asking those who have one to move on. Each role is tried once.
fn place(
    person: usize,
    places: &[u32],
    fits: &[Vec<usize>],
    assigned: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for &role in fits.get(person).into_iter().flatten() {
        match tried.get_mut(role) {
            Some(tried) if !*tried => *tried = true,
            _ => continue,
        }
        let sitting: Vec<usize> =
            assigned.iter().enumerate().filter(|(_, taken)| **taken == Some(role)).map(|(person, _)| person).collect();
        let room = places.get(role).is_some_and(|places| (sitting.len() as u64) < u64::from(*places));
        if room || sitting.into_iter().any(|sitting| place(sitting, places, fits, assigned, tried)) {
            if let Some(taken) = assigned.get_mut(person) {
                *taken = Some(role);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::assign;

    #[test]
    fn somebody_who_fits_two_roles_leaves_the_first_to_somebody_who_fits_only_that() {
        assert_eq!(assign(&[1, 1], &[vec![0, 1], vec![0]]), [Some(1), Some(0)]);
    }

    #[test]
    fn moving_on_goes_through_several_people() {
        let fits = [vec![0, 1], vec![1, 2], vec![0], vec![1]];
        assert_eq!(assign(&[1, 1, 1], &fits), [Some(1), Some(2), Some(0), None]);
    }

    #[test]
    fn a_role_takes_no_more_people_than_it_asks_for() {
        assert_eq!(assign(&[2], &[vec![0], vec![0], vec![0]]), [Some(0), Some(0), None]);
        assert_eq!(assign(&[0], &[vec![0]]), [None]);
    }
}
